import { element } from "../markdown/dom.ts";

export function button(label: string, onClick: () => void): HTMLButtonElement {
  const node = element("button", "ipyllm-button", label);
  node.type = "button";
  // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
  node.dataset.lmSuppressShortcuts = "true";
  node.addEventListener("click", onClick);
  return node;
}
