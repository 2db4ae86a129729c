import { type MarkdownHooks, MarkdownView } from "./markdown/markdown-view.ts";
import { TextView } from "./text-view.ts";

/** A stretch of the answer: Markdown, or, if one wants to see it, its source. */
export class Prose {
  readonly node = document.createElement("div");
  readonly #rendered: MarkdownView;
  #raw: TextView | null = null;
  #flowing = true;

  constructor(channel: "text" | "refusal", hooks: MarkdownHooks) {
    this.node.className = `ipyllm-${channel}`;
    // Without it JupyterLab takes Enter and Space on buttons and links in it for the notebook's own shortcuts.
    this.node.dataset.lmSuppressShortcuts = "true";
    // JupyterLab's own class: 78 of its rules make tables, quotes and code look as everywhere else in it.
    this.#rendered = new MarkdownView("ipyllm-prose jp-RenderedHTMLCommon", hooks);
    this.node.append(this.#rendered.node);
  }

  append(text: string): void {
    this.#rendered.append(text);
    this.#raw?.append(text);
  }

  paint(flowing: boolean): void {
    this.node.classList.toggle("ipyllm-caret", flowing);
    if (flowing) this.#rendered.paint();
    else if (this.#flowing) this.#rendered.finish();
    this.#flowing = flowing;
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
