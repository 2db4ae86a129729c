export type Kind = "object" | "array" | "string" | "number" | "literal";

/** A member's name, a place in a list, or null for the root. */
export type Key = string | number | null;

/** What the text says, in its order. */
export interface Sink {
  begin(kind: Kind, key: Key): void;
  /** More of the innermost value: a string's unescaped text, a number or literal as it is written. Never "". */
  grow(text: string): void;
  end(): void;
  /** What cannot be read, from there to the end. */
  raw(text: string): void;
}

/** Deeper than this is not read: each level is boxes within boxes for the page's layout. */
export const MAX_DEPTH = 64;

const ESCAPES = new Map(Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }));
for (const char of '"\\/') ESCAPES.set(char, char);
const LITERALS = new Map(["true", "false", "null"].map((word) => [word.charAt(0), word]));

type Step = "begin" | "minus" | "zero" | "whole" | "point" | "part" | "e" | "sign" | "power";

/** What may follow in a number (RFC 8259, section 6); 1 stands for 1 to 9. */
const NUMBER: Record<Step, Readonly<Record<string, Step>>> = {
  begin: { "-": "minus", 0: "zero", 1: "whole" },
  minus: { 0: "zero", 1: "whole" },
  zero: { ".": "point", e: "e" },
  whole: { 0: "whole", 1: "whole", ".": "point", e: "e" },
  point: { 0: "part", 1: "part" },
  part: { 0: "part", 1: "part", e: "e" },
  e: { "+": "sign", "-": "sign", 0: "power", 1: "power" },
  sign: { 0: "power", 1: "power" },
  power: { 0: "power", 1: "power" },
};
const WHOLE: ReadonlySet<Step> = new Set(["zero", "whole", "part", "power"]);

type State =
  | "value" // must begin
  | "item" // the same, or the list ends: it is empty
  | "name" // must begin
  | "member" // the same, or the object ends: it is empty
  | "colon"
  | "next" // a comma, or the end of what is around
  | "string"
  | "escape"
  | "number"
  | "literal"
  | "over"
  | "broken";

/**
 * Reads JSON that comes in pieces, cut anywhere, for showing it: each character is looked at once, and nothing
 * throws. More lenient than the kernel, which decides what is valid, in one thing: line breaks and tabs may stand
 * in strings as they are.
 */
export class JsonReader {
  readonly #sink: Sink;
  /** Of what is open: how many members a list has, null for an object. */
  readonly #open: (number | null)[] = [];
  #state: State = "value";
  #isName = false;
  #name = "";
  #escape = "";
  #step: Step = "begin";
  #literal = "";
  #word = "";

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  append(text: string): void {
    let at = 0;
    while (at < text.length) at = this.#read(text, at);
  }

  /** Reads on from `at`; gives how far it came. */
  #read(text: string, at: number): number {
    switch (this.#state) {
      case "string":
        return this.#readString(text, at);
      case "escape":
        return this.#readEscape(text, at);
      case "number":
        return this.#readNumber(text, at);
      case "literal":
        return this.#readLiteral(text, at);
      case "broken":
        this.#sink.raw(text.slice(at));
        return text.length;
      default:
        return this.#readMark(text, at);
    }
  }

  #readMark(text: string, at: number): number {
    const char = text.charAt(at);
    if (" \n\r\t".includes(char)) return at + 1;
    if (char === '"' && this.#mayBegin("name")) return this.#enter("string", at + 1, true);
    if (this.#mayBegin("value")) return this.#readBeginning(char, at);
    return this.#readPunctuation(char, at);
  }

  #mayBegin(what: "name" | "value"): boolean {
    const state = this.#state;
    if (what === "name") return state === "name" || state === "member";
    return state === "value" || state === "item";
  }

  #readBeginning(char: string, at: number): number {
    if (char === "{" || char === "[") return this.#readOpening(char, at);
    if (char === "]" && this.#state === "item") return this.#close(at);
    if (char === '"') return this.#begin("string", at + 1);
    if (char in NUMBER.begin || isDigit(char)) {
      this.#step = "begin";
      return this.#begin("number", at);
    }
    const word = LITERALS.get(char);
    if (!word) return this.#break(at);
    this.#literal = word;
    this.#word = "";
    return this.#enter("literal", at);
  }

  #readOpening(char: "{" | "[", at: number): number {
    if (this.#open.length === MAX_DEPTH) return this.#break(at);
    const isList = char === "[";
    this.#sink.begin(isList ? "array" : "object", this.#key());
    this.#open.push(isList ? 0 : null);
    return this.#enter(isList ? "item" : "member", at + 1);
  }

  #readPunctuation(char: string, at: number): number {
    const isList = typeof this.#open.at(-1) === "number";
    if (this.#state === "colon" && char === ":") return this.#enter("value", at + 1);
    if (this.#state === "member" && char === "}") return this.#close(at);
    if (this.#state !== "next") return this.#break(at);
    if (char === ",") return this.#enter(isList ? "value" : "name", at + 1);
    return char === (isList ? "]" : "}") ? this.#close(at) : this.#break(at);
  }

  #begin(kind: "string" | "number", at: number): number {
    this.#sink.begin(kind, this.#key());
    return this.#enter(kind, at);
  }

  #key(): Key {
    const around = this.#open.at(-1);
    if (around === undefined) return null;
    if (around === null) return this.#name;
    this.#open[this.#open.length - 1] = around + 1;
    return around;
  }

  #close(at: number): number {
    this.#open.pop();
    return this.#end(at + 1);
  }

  #end(at: number): number {
    this.#sink.end();
    return this.#enter(this.#open.length ? "next" : "over", at);
  }

  #enter(state: State, at: number, isName = false): number {
    if (isName) this.#name = "";
    this.#isName = isName;
    this.#state = state;
    return at;
  }

  /** `unsaid`: what was read before `at` and not said yet. A name is only said with its value. */
  #break(at: number, unsaid = ""): number {
    const state = this.#state;
    if (this.#open.at(-1) === null && (state === "value" || state === "literal"))
      this.#sink.begin("literal", this.#name);
    const text = state === "colon" ? JSON.stringify(this.#name) : unsaid;
    if (text) this.#sink.raw(text);
    return this.#enter("broken", at);
  }

  #readString(text: string, at: number): number {
    let end = at;
    while (end < text.length && !isSpecial(text.charCodeAt(end))) end++;
    if (end > at) this.#say(text.slice(at, end));
    if (end === text.length) return end;
    if (text.charAt(end) === "\\") {
      this.#escape = "";
      this.#state = "escape";
      return end + 1;
    }
    return this.#isName ? this.#enter("colon", end + 1) : this.#end(end + 1);
  }

  #say(text: string): void {
    if (this.#isName) this.#name += text;
    else this.#sink.grow(text);
  }

  #readEscape(text: string, at: number): number {
    this.#escape += text.charAt(at);
    if (/^u[\da-f]{0,3}$/i.test(this.#escape)) return at + 1;
    const code = /^u([\da-f]{4})$/i.exec(this.#escape)?.[1];
    const said = code ? String.fromCharCode(Number.parseInt(code, 16)) : ESCAPES.get(this.#escape);
    if (said === undefined) {
      return this.#break(at + 1, `${this.#isName ? `"${this.#name}` : ""}\\${this.#escape}`);
    }
    this.#say(said);
    this.#state = "string";
    return at + 1;
  }

  #readNumber(text: string, at: number): number {
    let end = at;
    let step: Step | undefined = this.#step;
    while (end < text.length) {
      step = NUMBER[this.#step][kindOf(text.charAt(end))];
      if (!step) break;
      this.#step = step;
      end++;
    }
    if (end > at) this.#sink.grow(text.slice(at, end));
    if (step) return end;
    return WHOLE.has(this.#step) ? this.#end(end) : this.#break(end);
  }

  #readLiteral(text: string, at: number): number {
    this.#word += text.charAt(at);
    if (this.#word === this.#literal) {
      this.#sink.begin("literal", this.#key());
      this.#sink.grow(this.#word);
      return this.#end(at + 1);
    }
    return this.#literal.startsWith(this.#word) ? at + 1 : this.#break(at + 1, this.#word);
  }
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9";
}

/** A number's character as `NUMBER` has it. */
function kindOf(char: string): string {
  if (char > "0" && char <= "9") return "1";
  return char === "E" ? "e" : char;
}

/** A quote or a backslash. */
function isSpecial(code: number): boolean {
  return code === 34 || code === 92;
}
