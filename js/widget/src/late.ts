import { element } from "./markdown/dom.ts";
import { TextView } from "./text-view.ts";

export interface Painted {
  readonly node: HTMLElement;
  paint(flowing: boolean): void;
}

/**
 * A view whose module may be yet to come: until then there is plain text, and all that was told is kept. If it
 * never comes, the text stays.
 */
export class Late<View extends Painted> {
  readonly node = element("div");
  readonly #make: () => View | undefined;
  readonly #plain = new Map<number, TextView>();
  #told: ((view: View) => void)[] = [];
  #view: View | undefined;

  /** `make` gives nothing as long as the module is not here. */
  constructor(make: () => View | undefined) {
    this.#make = make;
  }

  tell(say: (view: View) => void): void {
    if (this.#view) say(this.#view);
    else this.#told.push(say);
  }

  /** `text`: how the plain text goes on, of which there may be several, by number. */
  append(say: (view: View) => void, text: string, number = 0): void {
    this.tell(say);
    if (this.#view) return;
    let plain = this.#plain.get(number);
    if (!plain) {
      plain = new TextView("ipyllm-raw");
      this.#plain.set(number, plain);
      this.node.append(plain.node);
    }
    plain.append(text);
  }

  paint(flowing: boolean): void {
    if (!this.#view) this.#arrive();
    this.node.classList.toggle("ipyllm-caret", flowing && !this.#view);
    this.#view?.paint(flowing);
  }

  #arrive(): void {
    this.#view = this.#make();
    if (!this.#view) return;
    for (const say of this.#told) say(this.#view);
    this.#told = [];
    this.#plain.clear();
    this.node.replaceChildren(this.#view.node);
  }
}
