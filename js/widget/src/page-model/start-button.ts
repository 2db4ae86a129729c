import { element } from "../markdown/dom.ts";

/**
 * A browser may want to see a click before it downloads or starts a model. The click itself has to make the
 * session: `start` is called within it.
 */
export class StartButton {
  readonly node: HTMLElement;

  constructor(start: () => void) {
    const button = element("button", "ipyllm-button", "Start model");
    button.type = "button";
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    button.dataset.lmSuppressShortcuts = "true";
    button.addEventListener("click", start, { once: true });
    this.node = element(
      "div",
      "",
      button,
      " This browser's own model may be downloaded first. Nothing leaves this machine.",
    );
    // The strip's own look; its sheet, which every kernel sends, has no bytes to spare.
    this.node.style.cssText =
      "margin:2px 0 4px;color:var(--ipyllm-quiet);font:12px/20px var(--jp-ui-font-family,system-ui,sans-serif)";
  }
}
