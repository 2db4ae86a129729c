/**
 * The line that makes a cell a prompt, in words.
 *
 * Its grammar is `shlex`'s as far as colours need it: words parted by blanks, quotes around blanks.
 */

/** As IPython reads a cell: blank lines before the magic do not count. */
const MAGIC = /^(?:[ \t]*\n)*[ \t]*(%%llm)(?=\s|$)/;

/** Nothing else is looked at in a cell that is no prompt. */
export const ENOUGH = 64;

export type Kind = "command" | "flag" | "value";

export interface Word {
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
}

export function isPrompt(start: string): boolean {
  return MAGIC.test(start);
}

/** The words of the first line, and where it ends; null if this is no prompt. */
export function magicLine(source: string): { words: Word[]; end: number } | null {
  const found = MAGIC.exec(source);
  if (!found) return null;
  const from = found[0].length;
  const newline = source.indexOf("\n", from);
  const end = newline < 0 ? source.length : newline;
  const words: Word[] = [{ kind: "command", from: from - "%%llm".length, to: from }];
  const rest = source.slice(from, end);
  for (const word of rest.matchAll(/(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s"'\\])+/g)) {
    words.push(...parted(word[0], from + word.index));
  }
  return { words, end };
}

/** A flag and, after `=`, its value. */
function parted(word: string, from: number): Word[] {
  const to = from + word.length;
  if (!/^-{1,2}[a-zA-Z]/.test(word)) return [{ kind: "value", from, to }];
  const equals = word.startsWith("--") ? word.indexOf("=") : -1;
  if (equals < 0) return [{ kind: "flag", from, to }];
  const cut = from + equals;
  return [
    { kind: "flag", from, to: cut },
    ...(cut + 1 < to ? [{ kind: "value", from: cut + 1, to } as const] : []),
  ];
}

/** `--raw`: braces mean nothing in this prompt. */
export function isRaw(line: string): boolean {
  return /\s--raw(?=\s|$)/.test(line);
}
