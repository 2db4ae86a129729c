import { duration } from "./format.ts";
import { TextView } from "./text-view.ts";

/** Reasoning: open while it is all there is to see, folded once the answer begins; whoever clicks decides. */
export class Fold {
  readonly node = document.createElement("details");
  readonly #summary = document.createElement("summary");
  readonly #text = new TextView("ipyllm-thought");
  readonly #first: boolean;
  #touched = false;

  constructor(first: boolean) {
    this.#first = first;
    this.node.className = "ipyllm-fold";
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    this.#summary.dataset.lmSuppressShortcuts = "true";
    this.#summary.addEventListener("click", () => {
      this.#touched = true;
    });
    // A window on the newest lines: what folds away then is never high.
    const frame = document.createElement("div");
    frame.className = "ipyllm-window";
    frame.append(this.#text.node);
    this.node.append(this.#summary, frame);
  }

  append(text: string): void {
    this.#text.append(text);
  }

  /** `seconds`: how long it took, so far; null if that is not known. */
  paint(flowing: boolean, seconds: number | null): void {
    const time = seconds === null ? "" : duration(seconds);
    const done = time && `for ${time}`;
    const label = (flowing ? `thinking… ${time}` : `thought ${done}`).trim();
    if (this.#summary.textContent !== label) this.#summary.textContent = label;
    if (!this.#touched && this.node.open !== (flowing && this.#first))
      this.node.open = !this.node.open;
  }
}
