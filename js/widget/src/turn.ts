import { latency } from "./format.ts";
import { element } from "./markdown/dom.ts";

/** Its number and reason, then, once there is one, its time to first token: always with four digits. */
const REQUEST = /(\d+) ([a-z]+)(?: (\d+\.\d{4}))?/g;

/** A quiet line where another request of the same answer begins. */
export class Turn {
  readonly node = element("div", "ipyllm-turn");
  #text = "";

  append(text: string): void {
    this.#text += text;
  }

  paint(): void {
    // Of requests without an answer only the last is of interest.
    const [, number, reason, ttft] = [...this.#text.matchAll(REQUEST)].at(-1) ?? [];
    const title = reason === "retry" ? "asked again" : `request ${number}`;
    const label = title + (ttft ? ` \u00b7 first token ${latency(Number(ttft))}` : "");
    if (number && this.node.textContent !== label) this.node.textContent = label;
  }
}
