import MarkdownIt from "markdown-it";
import { isSafe, normalize, readable } from "./links.ts";
import { math } from "./math.ts";

type Markdown = InstanceType<typeof MarkdownIt>;
export type Token = ReturnType<Markdown["parse"]>[number];
export type Reference = { readonly title: string; readonly href: string };
export type References = Record<string, Reference>;

/** CommonMark, tables, strikethrough and formulas, without HTML; `widget/markdown.py` has the same preset. */
export function grammar(): Markdown {
  const md = new MarkdownIt("commonmark", { html: false }).enable(["table", "strikethrough"]);
  md.validateLink = isSafe;
  md.normalizeLink = normalize;
  md.normalizeLinkText = readable;
  return md.use(math);
}

const md = grammar();

/** Blocks only: their text is parsed when it is drawn. New definitions are added to `references`. */
export function blocks(source: string, references: References): Token[] {
  const tokens: Token[] = [];
  md.block.parse(source, md, { references }, tokens);
  return tokens;
}

export function inline(source: string, references: References): Token[] {
  const tokens: Token[] = [];
  md.inline.parse(source, md, { references }, tokens);
  return joined(tokens);
}

export function info(token: Token): string {
  return md.utils.unescapeAll(token.info).trim().split(/\s/)[0] ?? "";
}

/** Escapes and entities are tokens of their own: one text node each would be many. */
function joined(tokens: Token[]): Token[] {
  const out: Token[] = [];
  for (const token of tokens) {
    if (token.type === "text_special") token.type = "text";
    const last = out.at(-1);
    if (token.type === "text" && last?.type === "text") last.content += token.content;
    else out.push(token);
    if (token.children) token.children = joined(token.children);
  }
  return out;
}
