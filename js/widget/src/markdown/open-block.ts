import type { Definitions } from "./definitions.ts";
import type { Token } from "./grammar.ts";
import type { Segments } from "./segments.ts";

/** Where blocks go: the page's sections, and its link definitions. */
export type Page = {
  readonly sections: Segments;
  readonly definitions: Definitions;
  /** A node that is final now: its code may be coloured, its formulas typeset. */
  readonly done: (node: HTMLElement) => void;
};

/** A block that grows without being parsed from its start again. */
export type OpenBlock = {
  /** Takes text and shows it; null while the block is open, else the text after it. `isLast`: no more comes. */
  feed(text: string, isLast: boolean): string | null;
};

/** The tokens of each top-level block; definitions are none. */
export function groups(tokens: readonly Token[]): Token[][] {
  const out: Token[][] = [];
  for (const token of tokens) {
    if (token.type === "reference_definition") continue;
    if (token.level === 0 && token.nesting >= 0) out.push([token]);
    else out.at(-1)?.push(token);
  }
  return out;
}

/** The line after a block's last. */
export function endLine(group: readonly Token[] | undefined): number {
  return group?.[0]?.map?.[1] ?? 0;
}

/** Where a line begins. */
export function offset(source: string, line: number): number {
  let at = 0;
  for (let i = 0; i < line; i++) {
    const newline = source.indexOf("\n", at);
    if (newline < 0) return source.length;
    at = newline + 1;
  }
  return at;
}

export function completeLines(source: string): string {
  return source.slice(0, source.lastIndexOf("\n") + 1);
}
