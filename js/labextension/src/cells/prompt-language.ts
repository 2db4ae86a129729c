import { defineLanguageFacet, Language, languageDataProp } from "@codemirror/language";
import {
  type Input,
  NodeSet,
  NodeType,
  Parser,
  type PartialParse,
  parseMixed,
  Tree,
  type TreeFragment,
} from "@lezer/common";
import { styleTags, tags } from "@lezer/highlight";
import { type Kind, magicLine } from "./magic-line.ts";

/** What pairs and comments are in prose; a `#` is a heading. */
const facet = defineLanguageFacet({ closeBrackets: { brackets: ["(", "[", "{", '"'] } });

const [CELL, LINE, COMMAND, FLAG, VALUE, PROSE] = [
  NodeType.define({ id: 0, name: "PromptCell", top: true, props: [[languageDataProp, facet]] }),
  NodeType.define({ id: 1, name: "MagicLine" }),
  NodeType.define({ id: 2, name: "MagicCommand" }),
  NodeType.define({ id: 3, name: "MagicFlag" }),
  NodeType.define({ id: 4, name: "MagicValue" }),
  NodeType.define({ id: 5, name: "Prose" }),
];
const NODES = new NodeSet([CELL, LINE, COMMAND, FLAG, VALUE, PROSE]).extend(
  styleTags({
    MagicCommand: [tags.meta, tags.strong],
    MagicFlag: tags.attributeName,
    MagicValue: tags.special(tags.string),
  }),
);
const ID: Readonly<Record<Kind, number>> = { command: 2, flag: 3, value: 4 };

/** A `%%llm` cell: a command line, and below it prose in another language, as soon as that one is there. */
export function promptLanguage(prose: Parser | null): Language {
  return new Language(facet, new PromptParser(prose), [], "ipyllm-prompt");
}

class PromptParser extends Parser {
  readonly #mix: ReturnType<typeof parseMixed> | null;

  constructor(prose: Parser | null) {
    super();
    this.#mix =
      prose && parseMixed((node) => (node.type.id === PROSE.id ? { parser: prose } : null));
  }

  createParse(
    input: Input,
    fragments: readonly TreeFragment[],
    ranges: readonly { from: number; to: number }[],
  ): PartialParse {
    const parse = new PromptParse(input);
    return this.#mix ? this.#mix(parse, input, fragments, ranges) : parse;
  }
}

/** The frame around line and prose, in one step: only the line is read. */
class PromptParse implements PartialParse {
  readonly #input: Input;
  parsedPos = 0;
  stoppedAt: number | null = null;

  constructor(input: Input) {
    this.#input = input;
  }

  stopAt(position: number): void {
    this.stoppedAt = position;
  }

  advance(): Tree {
    const { length } = this.#input;
    this.parsedPos = length;
    const { words, end } = magicLine(this.#input.read(0, Math.min(length, MAX_LINE))) ?? NONE;
    const made = words.map(({ kind, from, to }) => new Tree(type(ID[kind]), [], [], to - from));
    const at = words.map(({ from }) => from);
    const children = [new Tree(type(LINE.id), made, at, end)];
    if (end < length) children.push(new Tree(type(PROSE.id), [], [], length - end));
    return new Tree(type(CELL.id), children, [0, end].slice(0, children.length), length);
  }
}

/** UTF-16 units; what a longer line has after it stays plain. */
const MAX_LINE = 10_000;
const NONE = { words: [], end: 0 };

function type(id: number): NodeType {
  return NODES.types[id] ?? NodeType.none;
}
