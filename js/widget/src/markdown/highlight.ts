import Prism from "prismjs/components/prism-core.js";
import "prismjs/components/prism-clike.js";
import "prismjs/components/prism-javascript.js";
import "prismjs/components/prism-typescript.js";
import "prismjs/components/prism-markup.js";
import "prismjs/components/prism-css.js";
import "prismjs/components/prism-python.js";
import "prismjs/components/prism-json.js";
import "prismjs/components/prism-bash.js";
import "prismjs/components/prism-sql.js";
import "prismjs/components/prism-c.js";
import "prismjs/components/prism-go.js";
import "prismjs/components/prism-yaml.js";
import { ensureStyle } from "../style.ts";

const ALIASES: Record<string, string> = {
  "c++": "c",
  cc: "c",
  cpp: "c",
  h: "c",
  console: "bash",
  golang: "go",
  ipython: "python",
  jsonc: "json",
  jsx: "javascript",
  py: "python",
  python3: "python",
  rs: "go",
  rust: "go",
  sh: "bash",
  shell: "bash",
  tsx: "typescript",
  yml: "yaml",
  zsh: "bash",
};

/** JupyterLab's name of a colour, our value where it has none, and the tokens that have it. */
const COLOURS: readonly (readonly [string, string, string])[] = [
  ["keyword", "#1a7f37", "keyword atrule important"],
  [
    "string",
    "#b3261e",
    "string char attr-value triple-quoted-string template-string regex inserted url",
  ],
  ["comment", "#6e7781", "comment prolog cdata"],
  ["number", "#8250df", "number boolean null constant symbol"],
  ["builtin", "#1a7f37", "builtin"],
  ["def", "#0550ae", "function class-name tag selector"],
  ["property", "#0550ae", "property attr-name key variable"],
  ["meta", "#9a6700", "decorator annotation doctype macro preprocessor shebang"],
  ["error", "#b3261e", "deleted"],
];
const COLOUR_OF = new Map(
  COLOURS.flatMap(([name, , types]) => types.split(" ").map((type) => [type, name])),
);

/** Longer code stays plain (UTF-16 units): colours come in one go, and must not hold up the page. */
const LIMIT = 100_000;

const SWEEP_MS = 2000;

type Coloured = {
  readonly code: WeakRef<HTMLElement>;
  readonly language: string;
  /** What is marked while the code is in the page; empty while it is not: a range keeps its nodes alive. */
  readonly marks: [Highlight, StaticRange][];
};
// For our own code only: a rule for everything costs a page of JupyterLab 45 ms.
const RULES = COLOURS.map(
  ([name, fallback]) =>
    `.ipyllm-segment::highlight(ipyllm-${name}){color:var(--jp-mirror-editor-${name}-color,${fallback})}`,
).join("");

const coloured = new Set<Coloured>();
let sweeper: ReturnType<typeof setInterval> | undefined;

/**
 * Colours a closed block of code, by the CSS Custom Highlight API: its text nodes stay as they are, and with them a
 * selection. Where a browser has no such thing, code stays plain.
 */
export default function highlight(code: HTMLElement, language: string): void {
  if (!("highlights" in CSS)) return;
  ensureStyle(code, "data-ipyllm-code", RULES);
  coloured.add({ code: new WeakRef(code), language, marks: marked(code, language) });
  sweeper ??= setInterval(sweep, SWEEP_MS);
}

/** Lets go of code that left the page, and colours what came back: JupyterLab detaches what is scrolled away. */
function sweep(): void {
  for (const each of coloured) {
    const code = each.code.deref();
    if (code?.isConnected) {
      if (!each.marks.length) each.marks.push(...marked(code, each.language));
    } else for (const [colour, range] of each.marks.splice(0)) colour.delete(range);
    if (!code) coloured.delete(each);
  }
  if (coloured.size) return;
  clearInterval(sweeper);
  sweeper = undefined;
}

function marked(code: HTMLElement, language: string): Coloured["marks"] {
  const name = ALIASES[language.toLowerCase()] ?? language.toLowerCase();
  const rules = Object.hasOwn(Prism.languages, name) ? Prism.languages[name] : undefined;
  const text = code.textContent ?? "";
  const marks: Coloured["marks"] = [];
  if (typeof rules !== "object" || text.length > LIMIT) return marks;
  const cursor = new Cursor(code);
  mark(Prism.tokenize(text, rules), 0, (colour, start, end) => {
    const [startContainer, startOffset] = cursor.place(start);
    const [endContainer, endOffset] = cursor.place(end);
    const range = new StaticRange({ startContainer, startOffset, endContainer, endOffset });
    const all = registered(colour);
    all.add(range);
    marks.push([all, range]);
  });
  return marks;
}

type Mark = (colour: string, start: number, end: number) => void;

function mark(tokens: Prism.TokenStream, from: number, found: Mark): number {
  if (typeof tokens === "string") return from + tokens.length;
  if (Array.isArray(tokens)) {
    return tokens.reduce((at: number, token) => mark(token, at, found), from);
  }
  const end = from + tokens.length;
  const colour = COLOUR_OF.get(tokens.type);
  if (colour) found(colour, from, end);
  if (typeof tokens.content !== "string") mark(tokens.content, from, found);
  return end;
}

/** Places in the text nodes, asked for nearly in order. */
class Cursor {
  readonly #texts: { readonly node: Text; readonly start: number }[] = [];
  #at = 0;

  constructor(code: HTMLElement) {
    const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    let start = 0;
    for (let node = walker.nextNode(); node instanceof Text; node = walker.nextNode()) {
      this.#texts.push({ node, start });
      start += node.data.length;
    }
  }

  place(offset: number): [Text, number] {
    while (this.#at > 0 && (this.#texts[this.#at]?.start ?? 0) > offset) this.#at--;
    while ((this.#texts[this.#at + 1]?.start ?? Number.POSITIVE_INFINITY) <= offset) this.#at++;
    const text = this.#texts[this.#at];
    if (!text) throw new Error("no text to colour");
    return [text.node, offset - text.start];
  }
}

function registered(colour: string): Highlight {
  const name = `ipyllm-${colour}`;
  let made = CSS.highlights.get(name);
  if (!made) {
    made = new Highlight();
    CSS.highlights.set(name, made);
  }
  return made;
}
