import { CodeBlock } from "./code-block.ts";
import type { OpenBlock, Page } from "./open-block.ts";

/** With the line below where it has a `|` in it: that may make it the head of a table. */
const OPENING = /^(`{3,}|~{3,})(?:[^|\n]*\n|[^\n]*\n[^\n]*\n)/;

/** Code between fences: every line but a closing one is text, so that it is appended and nothing parsed. */
export class OpenFence implements OpenBlock {
  readonly #page: Page;
  readonly #view: CodeBlock;
  readonly #closing: RegExp;
  readonly #perhapsClosing: RegExp;
  #line = "";
  #shown = 0;

  /** `opening`: the fence's characters. */
  constructor(page: Page, opening: string, language: string) {
    this.#page = page;
    this.#view = new CodeBlock(language);
    this.#closing = new RegExp(`^ {0,3}${opening[0]}{${opening.length},}[ \\t]*$`);
    this.#perhapsClosing = new RegExp(`^(?: {0,3}${opening[0]}*)?[ \\t]*$`);
    page.sections.replace(this.#view.node);
  }

  /** The fence's characters, if `source` begins with a fence this can show: one that is not indented. */
  static opening(source: string): string | null {
    return OPENING.exec(source)?.[1] ?? null;
  }

  feed(text: string, isLast: boolean): string | null {
    const pieces: string[] = [];
    let at = 0;
    let rest: string | null = null;
    for (;;) {
      const newline = text.indexOf("\n", at);
      this.#line += text.slice(at, newline < 0 ? text.length : newline);
      const isWhole = newline >= 0 || isLast;
      if (isWhole && this.#closing.test(this.#line)) {
        rest = newline < 0 ? "" : text.slice(newline + 1);
        break;
      }
      // A last line of nothing but spaces is none.
      if (newline < 0 && isLast && !this.#line.trim()) break;
      if (isWhole || !this.#perhapsClosing.test(this.#line)) {
        pieces.push(this.#line.slice(this.#shown));
        this.#shown = this.#line.length;
      }
      if (newline < 0) break;
      pieces.push("\n");
      this.#line = "";
      this.#shown = 0;
      at = newline + 1;
    }
    this.#view.append(pieces.join(""));
    if (isLast) rest ??= "";
    if (rest !== null) this.#page.done(this.#view.node);
    return rest;
  }
}
