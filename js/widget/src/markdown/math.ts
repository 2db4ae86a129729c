import type MarkdownIt from "markdown-it";

type Markdown = InstanceType<typeof MarkdownIt>;
type InlineRule = Parameters<Markdown["inline"]["ruler"]["push"]>[1];
type BlockRule = Parameters<Markdown["block"]["ruler"]["push"]>[1];

/** Formulas stay text, delimiters and all, untouched by Markdown; who has a typesetter finds them. */
export function math(md: Markdown): void {
  md.inline.ruler.before("escape", "math", formula);
  md.block.ruler.before("fence", "math", display, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
}

const MEANING = /[\p{L}\p{N}]/u;
const BRACKETS = [
  ["$$", "$$"],
  ["\\(", "\\)"],
  ["\\[", "\\]"],
] as const;

const formula: InlineRule = (state, silent) => {
  const first = state.src.charCodeAt(state.pos);
  if (first !== 0x24 && first !== 0x5c) return false;
  const end = bracketed(state.src, state.pos, state.posMax) ?? dollars(state);
  if (end === null) return false;
  if (!silent) state.push("text", "", 0).content = state.src.slice(state.pos, end);
  state.pos = end;
  return true;
};

function bracketed(source: string, from: number, max: number): number | null {
  for (const [open, close] of BRACKETS) {
    if (!source.startsWith(open, from)) continue;
    const at = source.indexOf(close, from + 2);
    // `\(\)` and the like are escapes, not formulas.
    const isFormula = at >= 0 && at + 2 <= max && MEANING.test(source.slice(from + 2, at));
    return isFormula ? at + 2 : null;
  }
  return null;
}

/** As pandoc has it, so that "$5 and $6" stays prices: none spaced inside, no digit after. */
function dollars({ src, pos, posMax }: { src: string; pos: number; posMax: number }) {
  if (src[pos] !== "$" || src[pos + 1] === "$" || isSpace(src[pos + 1])) return null;
  for (let at = pos + 1; at < posMax; at++) {
    if (src[at] === "\\") at++;
    else if (src[at] === "$") {
      const closes = at > pos + 1 && !isSpace(src[at - 1]) && !isDigit(src[at + 1]);
      return closes ? at + 1 : null;
    }
  }
  return null;
}

/**
 * `$$` or `\[` alone in a line: up to the line that ends it, else to a blank one. Its lines start with `+`, `-`,
 * `=`, `>`, which would be lists, headings and quotes. A blank line ends it in any case, so that an unclosed one
 * never takes hold of blocks that were final.
 */
const display: BlockRule = (state, start, end, silent) => {
  if ((state.sCount[start] ?? 0) - state.blkIndent >= 4) return false;
  const open = line(state, start);
  if (open !== "$$" && open !== "\\[") return false;
  if (silent) return true;
  const close = open === "$$" ? "$$" : "\\]";
  let next = start + 1;
  while (next < end && !state.isEmpty(next) && (state.sCount[next] ?? 0) >= state.blkIndent) {
    if (line(state, next++).endsWith(close)) break;
  }
  state.line = next;
  const token = state.push("paragraph_open", "p", 1);
  token.map = [start, next];
  const inline = state.push("inline", "", 0);
  inline.content = state.getLines(start, next, state.blkIndent, false).trim();
  inline.map = [start, next];
  inline.children = [];
  state.push("paragraph_close", "p", -1);
  return true;
};

function line(
  state: { src: string; bMarks: number[]; tShift: number[]; eMarks: number[] },
  at: number,
): string {
  return state.src
    .slice((state.bMarks[at] ?? 0) + (state.tShift[at] ?? 0), state.eMarks[at])
    .trimEnd();
}

function isSpace(unit: string | undefined): boolean {
  return unit === undefined || unit === " " || unit === "\n" || unit === "\t";
}

function isDigit(unit: string | undefined): boolean {
  return unit !== undefined && unit >= "0" && unit <= "9";
}
