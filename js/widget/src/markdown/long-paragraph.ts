import type { Token } from "./grammar.ts";
import { inline, type References } from "./grammar.ts";
import { patch } from "./patch.ts";
import { nodes } from "./render.ts";

const LONG = 1024;
/** What may be half of a mark: text that holds one may change when its other half comes. */
const MARKS = /[*_~`[\]<$\\!]/;

/**
 * The open paragraph, drawn: of a long one, text in which every mark has found its other half is parsed no more.
 *
 * For the eye only. When the paragraph is final it is parsed whole once, and what was drawn alike is kept.
 */
export class LongParagraph {
  #node: HTMLElement | null = null;
  #taken = "";
  #last: Node | null = null;
  #tryAt = LONG;

  /** The paragraph's node, or null where `found` is no long paragraph and must be drawn as any block. */
  draw(found: readonly Token[][], references: References): HTMLElement | null {
    const [open, text] = found.length === 1 ? (found[0] ?? []) : [];
    const source = open?.type === "paragraph_open" ? (text?.content ?? "") : "";
    if (source.length < LONG || !source.startsWith(this.#taken)) {
      this.reset();
      return null;
    }
    this.#node ??= document.createElement("p");
    if (source.length - this.#taken.length > this.#tryAt)
      this.#take(this.#node, source, references);
    const rest = nodes(inline(source.slice(this.#taken.length), references));
    patch(this.#node, this.#first(this.#node), rest);
    return this.#node;
  }

  reset(): void {
    this.#node = null;
    this.#taken = "";
    this.#last = null;
    this.#tryAt = LONG;
  }

  #take(node: HTMLElement, source: string, references: References): void {
    const from = this.#taken.length;
    for (let end = source.length - LONG / 2; end > from; end = source.lastIndexOf(" ", end - 128)) {
      const at = source.lastIndexOf(" ", end) + 1;
      if (at <= from) break;
      if (!/[^\s] [^\s]/.test(source.slice(at - 2, at + 1))) continue;
      const tokens = inline(source.slice(from, at), references);
      if (tokens.some(({ type, content }) => type === "text" && MARKS.test(content))) continue;
      this.#last = patch(node, this.#first(node), nodes(tokens)).at(-1) ?? this.#last;
      this.#taken = source.slice(0, at);
      this.#tryAt = LONG;
      return;
    }
    // A mark without its other half: looked at again when there is twice as much.
    this.#tryAt *= 2;
  }

  #first(node: HTMLElement): Node | null {
    return this.#last ? this.#last.nextSibling : node.firstChild;
  }
}
