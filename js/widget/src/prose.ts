import { element } from "./markdown/dom.ts";
import { TextView } from "./text-view.ts";

export interface Rendered {
  readonly node: HTMLElement;
  /** `ms`: when it arrived, since the request; null if that is not known. */
  append(text: string, ms: number | null): void;
  paint(): void;
  finish(): void;
}

/** A stretch of the answer as people read it, or, if one wants to see it, its source. */
export class Prose {
  readonly node: HTMLElement;
  readonly #rendered: Rendered;
  #raw: TextView | null = null;

  constructor(kind: "text" | "refusal", rendered: Rendered) {
    this.node = element("div", `ipyllm-${kind}`, rendered.node);
    // Without it JupyterLab takes Enter and Space on buttons and links in it for the notebook's own shortcuts.
    this.node.dataset.lmSuppressShortcuts = "true";
    this.#rendered = rendered;
  }

  append(text: string, ms: number | null): void {
    this.#rendered.append(text, ms);
    this.#raw?.append(text);
  }

  /** `whole`: nothing more will come, ever. */
  paint(flowing: boolean, whole: boolean): void {
    this.node.classList.toggle("ipyllm-caret", flowing);
    if (whole) this.#rendered.finish();
    else this.#rendered.paint();
  }

  /** `source`: all that was appended so far, if it is wanted raw. */
  show(source: string | null): void {
    if (source !== null && this.#raw === null) {
      this.#raw = new TextView("ipyllm-raw");
      this.#raw.append(source);
      this.node.append(this.#raw.node);
    }
    this.#rendered.node.hidden = source !== null;
    if (this.#raw) this.#raw.node.hidden = source === null;
  }
}
