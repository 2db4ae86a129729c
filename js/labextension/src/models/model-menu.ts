import { element } from "../../../widget/src/markdown/dom.ts";
import type { Model, Models } from "./models.ts";

let menus = 0;

/**
 * What opens below the toolbar's button: a field for a name, and the models that work here. What the field says is
 * looked for in the list; a name that is not in it can be given all the same.
 */
export class ModelMenu {
  readonly node = element("div", "ipyllm-models");
  readonly #models: Models;
  readonly #choose: (model: string) => void;
  readonly #field = element("input", "");
  readonly #list = element("div", "ipyllm-models-list");
  readonly #said = element("div", "ipyllm-models-said");
  readonly #rows: { readonly model: Model; readonly node: HTMLElement }[] = [];
  readonly #id = `ipyllm-models-${++menus}`;
  #active = -1;

  constructor(models: Models, choose: (model: string) => void, title: string) {
    this.#models = models;
    this.#choose = choose;
    this.#list.id = this.#id;
    this.#list.setAttribute("role", "listbox");
    this.#said.setAttribute("role", "status");
    this.#field.placeholder = "provider/model";
    for (const [name, value] of [
      ["aria-label", title],
      ["aria-controls", this.#id],
      ["aria-expanded", "true"],
      ["role", "combobox"],
      ["spellcheck", "false"],
    ] as const) {
      this.#field.setAttribute(name, value);
    }
    this.#field.addEventListener("input", () => this.paint());
    this.node.addEventListener("keydown", (event) => this.#press(event));
    this.node.dataset.lmSuppressShortcuts = "true";
    this.node.append(element("div", "ipyllm-models-title", title), this.#field);
    this.node.append(this.#list, this.#said);
    this.paint();
  }

  focus(): void {
    this.#field.focus();
  }

  paint(): void {
    const wanted = this.#field.value.trim().toLowerCase();
    const { all, refused } = this.#models;
    const found = all.filter(({ name }) => name.toLowerCase().includes(wanted));
    // What works first; each in the order the kernel gives.
    const shown = ["ready", "asking", "off", "unset"].flatMap((state) =>
      found.filter((model) => model.state === state),
    );
    this.#rows.length = 0;
    for (const model of shown) this.#rows.push({ model, node: this.#row(model) });
    this.#list.replaceChildren(...this.#rows.map(({ node }) => node));
    this.#said.textContent = refused || (all.length ? "" : "asking the kernel\u2026");
    this.#mark(wanted ? 0 : -1);
  }

  #row(model: Model): HTMLElement {
    const { name, state, detail } = model;
    const node = element(
      "div",
      "ipyllm-model",
      element("span", "ipyllm-model-dot"),
      element("span", "", name),
      element("span", "ipyllm-model-detail", state === "asking" ? "asking\u2026" : detail),
    );
    node.dataset.state = state;
    node.title = detail;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", `${name === this.#models.current}`);
    node.addEventListener("click", () => this.#take(name));
    return node;
  }

  #press(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.#mark(Math.max(0, Math.min(this.#rows.length - 1, this.#active + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const typed = this.#field.value.trim();
      // A whole name is meant as it is.
      const active =
        typed.includes("/") && !typed.endsWith("/") ? undefined : this.#rows[this.#active];
      this.#take(active?.model.name ?? typed);
    }
  }

  #mark(index: number): void {
    this.#active = index;
    for (const [at, { node }] of this.#rows.entries()) {
      node.classList.toggle("ipyllm-active", at === index);
      node.id = `${this.#id}-${at}`;
    }
    const active = this.#rows[index]?.node;
    active?.scrollIntoView?.({ block: "nearest" });
    this.#field.setAttribute("aria-activedescendant", active?.id ?? "");
  }

  #take(name: string): void {
    if (!name) return;
    if (!name.endsWith("/")) {
      this.#choose(name);
      return;
    }
    // A provider: its models are asked for, and any can be named.
    this.#models.ask(name.slice(0, -1));
    this.#field.value = name;
    this.#field.focus();
    this.paint();
  }
}
