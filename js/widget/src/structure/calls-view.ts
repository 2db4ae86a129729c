import { element } from "../markdown/dom.ts";
import { Card, type CardHooks, type CardState } from "./card.ts";

/** The tool calls of a round, a card each, by their number. */
export class CallsView {
  readonly node = element("div", "ipyllm-cards");
  readonly #hooks: CardHooks;
  readonly #cards = new Map<number, Card>();

  constructor(hooks: CardHooks) {
    this.#hooks = hooks;
  }

  /**
   * More of call number `call`: its function's name, a newline, then its arguments as JSON; cut anywhere.
   * `ms`: when it arrived, since the request.
   */
  append(call: number, text: string, ms: number | null = null): void {
    this.#card(call).append(text, ms);
  }

  state(call: number, state: CardState): void {
    this.#card(call).enter(state);
  }

  paint(flowing: boolean): void {
    for (const card of this.#cards.values()) card.paint(flowing);
  }

  #card(call: number): Card {
    let card = this.#cards.get(call);
    if (!card) {
      card = new Card(call, this.#hooks);
      const later = [...this.#cards.keys()].filter((other) => other > call);
      const next = this.#cards.get(Math.min(...later));
      this.#cards.set(call, card);
      this.node.insertBefore(card.node, next?.node ?? null);
    }
    return card;
  }
}
