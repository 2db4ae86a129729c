import type { LatexTypesetter, MimeModel, Renderer } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { loadViews, views } from "./load-views.ts";
import { isReadable, JSON_TYPE, text } from "./saved-json.ts";
import type show from "./views.ts";
import type { SavedView } from "./views.ts";

export interface Host {
  readonly typesetter: LatexTypesetter | null;
  /** What shows the answer where we cannot: JupyterLab's own view of its Markdown. */
  plain(): Renderer;
}

/** An answer in a notebook, with all that the live one had, from the notebook alone. */
export class SavedAnswer extends Widget implements Renderer {
  readonly #host: Host;
  readonly #formulas: HTMLElement[] = [];
  #view: SavedView | null = null;
  #plain: Renderer | null = null;
  #model: MimeModel | null = null;

  constructor(host: Host) {
    super();
    this.#host = host;
    this.addClass("ipyllm-saved");
    this.node.dataset.mimeType = JSON_TYPE;
  }

  /** At once where that is possible: what was there before is gone already. */
  async renderModel(model: MimeModel): Promise<void> {
    this.#model = model;
    if (!isReadable(model.data[JSON_TYPE])) return this.#showPlain(model);
    try {
      this.#show(model, views() ?? (await loadViews()));
    } catch {
      await this.#showPlain(model);
    }
  }

  override dispose(): void {
    this.#clear();
    super.dispose();
  }

  protected override onAfterAttach(): void {
    this.#typeset();
  }

  #show(model: MimeModel, view: typeof show): void {
    const json = model.data[JSON_TYPE];
    if (this.isDisposed || model !== this.#model || !isReadable(json)) return;
    const saved = {
      json,
      text: text(model.data["text/markdown"]),
      html: text(model.data["text/html"]),
    };
    this.#clear();
    this.#view = view(saved, (block) => {
      this.#formulas.push(block);
      if (this.isAttached) this.#typeset();
    });
    this.node.append(this.#view.node);
    if (this.isAttached) this.#typeset();
  }

  /** MathJax measures the page around it. */
  #typeset(): void {
    for (const block of this.#formulas.splice(0)) this.#host.typesetter?.typeset(block);
  }

  async #showPlain(model: MimeModel): Promise<void> {
    if (this.isDisposed || model !== this.#model) return;
    this.#clear();
    const plain = this.#host.plain();
    this.#plain = plain;
    await plain.renderModel(model);
    if (this.#plain !== plain) return plain.dispose();
    // Its node only: an attached widget would have to be detached before our own node is taken away.
    this.node.append(plain.node);
  }

  #clear(): void {
    this.#view?.dispose();
    this.#view?.node.remove();
    this.#plain?.dispose();
    this.#view = this.#plain = null;
    this.#formulas.length = 0;
  }
}
