import { duration } from "./format.ts";
import { TextView } from "./text-view.ts";

/** Reasoning: folded, so that it neither pushes the answer down nor costs layout while it flows. */
export class Fold {
  readonly node: HTMLElement;
  readonly #summary: HTMLElement;
  readonly #text = new TextView("ipyllm-thought");

  constructor() {
    this.node = document.createElement("details");
    this.node.className = "ipyllm-fold";
    this.#summary = document.createElement("summary");
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    this.#summary.dataset.lmSuppressShortcuts = "true";
    this.node.append(this.#summary, this.#text.node);
  }

  append(text: string): void {
    this.#text.append(text);
  }

  /** `seconds`: how long it took; null if that is not known. */
  paint(flowing: boolean, seconds: number | null): void {
    const done = seconds === null ? "thought" : `thought for ${duration(seconds)}`;
    const label = flowing ? "thinking…" : done;
    if (this.#summary.textContent !== label) this.#summary.textContent = label;
  }
}
