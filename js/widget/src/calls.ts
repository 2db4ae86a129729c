import { TextView } from "./text-view.ts";

/** Characters of the arguments that stand in a card's line; more than fit any. */
const SHORT = 400;

/**
 * The tool calls of one part, a card each. They come as text, cut anywhere: `name(arguments)` and a newline.
 * That newline ends a call because JSON, which arguments are, has no `)` outside its strings and no newline in
 * them.
 */
export class Calls {
  readonly node = document.createElement("div");
  #open: Card | null = null;
  #held = "";

  append(text: string): void {
    let rest = this.#held + text;
    this.#held = "";
    while (rest !== "") {
      if (this.#open === null) {
        const name = rest.indexOf("(");
        if (name < 0) break;
        this.#open = new Card(rest.slice(0, name));
        this.node.append(this.#open.node);
        rest = rest.slice(name + 1);
      }
      const end = rest.indexOf(")\n");
      if (end < 0) {
        const whole = rest.endsWith(")") ? rest.length - 1 : rest.length;
        this.#open.append(rest.slice(0, whole));
        rest = rest.slice(whole);
        break;
      }
      this.#open.append(rest.slice(0, end));
      this.#open = null;
      rest = rest.slice(end + 2);
    }
    this.#held = rest;
  }

  /** `flowing`: the last call's arguments are still coming. */
  paint(flowing: boolean): void {
    for (const card of this.node.querySelectorAll(".ipyllm-caret, :scope > :last-child"))
      card.classList.toggle("ipyllm-caret", flowing && card === this.#open?.node);
  }
}

/** One call: a line with its name and the beginning of its arguments; all of them inside. */
class Card {
  readonly node = document.createElement("details");
  readonly #short = document.createTextNode("");
  readonly #arguments = new TextView("ipyllm-arguments");

  constructor(name: string) {
    this.node.className = "ipyllm-call";
    const summary = document.createElement("summary");
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    summary.dataset.lmSuppressShortcuts = "true";
    const title = document.createElement("b");
    title.textContent = name;
    const short = document.createElement("span");
    short.append(this.#short);
    summary.append(title, " ", short);
    this.node.append(summary, this.#arguments.node);
  }

  append(text: string): void {
    if (this.#short.length < SHORT)
      this.#short.appendData(text.slice(0, SHORT - this.#short.length));
    this.#arguments.append(text);
  }
}
