import css from "./structure.css";

/** Puts this module's sheet into the document once, and into the shadow root some front ends wrap outputs in. */
export function ensureStyle(node: Node): void {
  const root = node.getRootNode();
  const home = root instanceof ShadowRoot ? root : document.head;
  let style = home.querySelector("style[data-ipyllm-structure]");
  if (style === null) {
    style = document.createElement("style");
    style.setAttribute("data-ipyllm-structure", "");
    home.append(style);
  }
  if (style.textContent !== css) style.textContent = css;
}
