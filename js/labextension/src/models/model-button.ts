import type { NotebookPanel } from "@jupyterlab/notebook";
import { Widget } from "@lumino/widgets";
import { element } from "../../../widget/src/markdown/dom.ts";
import { ModelMenu } from "./model-menu.ts";
import { Models } from "./models.ts";

/** The notebook toolbar's word on who answers `%%llm`; not there until the kernel has ipyllm. */
export class ModelButton extends Widget {
  readonly #models: Models;
  readonly #button = element("button", "ipyllm-model-button");
  #menu: ModelMenu | null = null;

  constructor(panel: NotebookPanel) {
    super();
    this.#models = new Models(panel.sessionContext);
    this.addClass("ipyllm-toolbar");
    this.#button.type = "button";
    this.#button.setAttribute("aria-haspopup", "listbox");
    this.#button.addEventListener("click", () => this.open());
    this.node.append(this.#button);
    this.#models.subscribe(() => this.#paint());
    this.#paint();
  }

  override dispose(): void {
    this.#close();
    this.#models.dispose();
    super.dispose();
  }

  /** `choose`: what becomes of the choice; else it is the kernel's default from then on. */
  open(choose?: (model: string) => void): void {
    if (this.#menu) {
      this.#close();
      return;
    }
    if (this.#models.current === "") return;
    const take = (model: string): void => {
      if (choose) choose(model);
      else this.#models.choose(model);
      // The kernel may refuse it, and says why in the menu.
      if (choose || model === this.#models.current) this.#close();
    };
    this.#models.refused = "";
    const menu = new ModelMenu(this.#models, take, choose ? "Run with" : "Model of %%llm");
    this.#menu = menu;
    const { bottom, right } = this.#button.getBoundingClientRect();
    menu.node.style.top = `${bottom + 2}px`;
    menu.node.style.right = `${Math.max(4, innerWidth - right)}px`;
    document.body.append(menu.node);
    document.addEventListener("pointerdown", this.#away, true);
    document.addEventListener("keydown", this.#escape, true);
    menu.focus();
    this.#models.list();
    this.#paint();
  }

  #close(): void {
    document.removeEventListener("pointerdown", this.#away, true);
    document.removeEventListener("keydown", this.#escape, true);
    this.#menu?.node.remove();
    this.#menu = null;
    this.#paint();
  }

  readonly #away = (event: Event): void => {
    const target = event.target as Node;
    if (!this.#menu?.node.contains(target) && !this.node.contains(target)) this.#close();
  };

  readonly #escape = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.#close();
    this.#button.focus();
  };

  #paint(): void {
    const { current } = this.#models;
    if (this.#menu && current !== this.#shown && this.#shown !== "" && !this.#models.refused) {
      this.#shown = current;
      this.#close();
      return;
    }
    this.#shown = current;
    this.node.hidden = current === "";
    this.#button.textContent = `${current} \u25be`;
    this.#button.title = `${current} answers %%llm cells that name no model`;
    this.#button.setAttribute("aria-expanded", `${this.#menu !== null}`);
    this.#menu?.paint();
  }

  #shown = "";
}
