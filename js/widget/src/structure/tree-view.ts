import { count } from "../format.ts";
import { element } from "../markdown/dom.ts";
import { TextView } from "../text-view.ts";
import { JsonReader, type Key, type Kind, type Sink } from "./json-reader.ts";

/** Rows to a section; a section out of sight is not laid out. */
const SECTION = 100;
/** A string longer than this (UTF-16 units) is cut at newlines into blocks that are laid out by themselves, */
const LONG = 2048;
/** and a line longer than this at a space: in one block of 50,000 an append cost 50 ms of layout. */
const LONG_LINE = 4096;
/** In a list of more, times are seen only where one points. */
const MANY = 12;

export type Path = readonly (string | number)[];

type Value = Leaf | Branch;

/** A JSON value as rows that fold, while it comes. A row is made once, and stays. */
export class TreeView implements Sink {
  readonly node = element("div", "ipyllm-tree");
  readonly #reader = new JsonReader(this);
  readonly #open: Value[] = [];
  #root: Value | null = null;
  #ms: number | null = null;
  /** What was written last: the caret is there. */
  #last: HTMLElement = this.node;
  #marked: HTMLElement | null = null;
  #raw: TextView | null = null;
  readonly #changed = new Set<Branch>();

  get size(): string {
    return this.#root instanceof Branch ? this.#root.size : "";
  }

  /** `ms`: when it arrived, since the request. */
  append(text: string, ms: number | null = null): void {
    this.#ms = ms;
    this.#reader.append(text);
  }

  paint(flowing: boolean): void {
    for (const branch of this.#changed) branch.paint();
    this.#changed.clear();
    const marked = flowing ? this.#last : null;
    if (marked === this.#marked) return;
    this.#marked?.classList.remove("ipyllm-here");
    marked?.classList.add("ipyllm-here");
    this.#marked = marked;
  }

  /** Marks the value at `path`, or the nearest around it; false if that is not all of the path. */
  fail(path: Path, message: string): boolean {
    this.node.querySelector(".ipyllm-failure")?.remove();
    this.node.querySelector(".ipyllm-failed")?.classList.remove("ipyllm-failed");
    let at = this.#root;
    const found = path.every((key) => {
      const next = at instanceof Branch ? at.members.get(key) : undefined;
      if (next) at = next;
      return next !== undefined;
    });
    const failure = element("div", "ipyllm-failure", message);
    if (at && at !== this.#root) {
      at.node.classList.add("ipyllm-failed");
      at.node.after(failure);
    } else this.node.append(failure);
    return found;
  }

  begin(kind: Kind, key: Key): void {
    const around = this.#open.at(-1);
    const value =
      kind === "object" || kind === "array" ? new Branch(kind, key) : new Leaf(kind, key);
    this.#open.push(value);
    this.#last = value.end;
    if (around instanceof Branch) {
      around.add(key, value);
      this.#changed.add(around);
    } else {
      this.#root = value;
      this.node.append(value.node);
    }
  }

  grow(text: string): void {
    const leaf = this.#open.at(-1);
    if (!(leaf instanceof Leaf)) return;
    leaf.append(text);
    this.#last = leaf.end;
  }

  end(): void {
    const value = this.#open.pop();
    value?.finish(this.#ms);
    if (value instanceof Branch) this.#changed.add(value);
  }

  raw(text: string): void {
    if (!this.#raw) {
      this.#raw = new TextView("ipyllm-unread");
      this.node.append(this.#raw.node);
    }
    this.#raw.append(text);
    this.#last = this.#raw.node;
  }
}

/** A string, a number, or a word, that grows at its end. */
class Leaf {
  readonly node: HTMLElement;
  readonly end: HTMLElement;
  #text = document.createTextNode("");
  #long: TextView | null = null;
  /** Of the last line. */
  #units = 0;

  constructor(kind: Kind, key: Key) {
    this.end = element("span", "ipyllm-value", this.#text);
    this.end.dataset.kind = kind;
    this.node = element("div", "ipyllm-row", ...name(key), this.end);
  }

  append(text: string): void {
    if (this.#long) this.#appendLong(this.#long, text);
    else if (this.#text.length + text.length <= LONG) this.#text.appendData(text);
    else {
      this.end.classList.add("ipyllm-long-value");
      this.node.classList.add("ipyllm-long-row");
      this.#text.remove();
      this.#appendLong(this.#nextBlock(), this.#text.data + text);
    }
  }

  #appendLong(block: TextView, text: string): void {
    let open = block;
    for (const line of text.split(/(?<=\n)/)) {
      let rest = line;
      let at = rest.indexOf(" ", Math.max(0, LONG_LINE - this.#units));
      while (at >= 0 && this.#units + at >= LONG_LINE) {
        open.append(rest.slice(0, at + 1));
        open = this.#nextBlock();
        rest = rest.slice(at + 1);
        at = rest.indexOf(" ", LONG_LINE);
      }
      open.append(rest);
      this.#units = rest.endsWith("\n") ? 0 : this.#units + rest.length;
    }
  }

  #nextBlock(): TextView {
    this.#long = new TextView("ipyllm-long-text");
    this.#units = 0;
    this.end.append(this.#long.node);
    return this.#long;
  }

  finish(ms: number | null): void {
    this.end.dataset.whole = "";
    stamp(this.node, ms);
  }
}

/** An object or a list: a line that folds what is in it. The root is only what is in it. */
class Branch {
  readonly node: HTMLElement;
  readonly end: HTMLElement;
  readonly members = new Map<Key, Value>();
  readonly #kind: "object" | "array";
  readonly #body = element("div", "ipyllm-members");
  readonly #count = element("span", "ipyllm-count");
  readonly #summary: HTMLElement | null = null;
  #home = this.#body;
  #size = 0;

  constructor(kind: "object" | "array", key: Key) {
    this.#kind = kind;
    this.node = this.#body;
    this.end = this.#body;
    this.#body.dataset.kind = kind;
    if (key === null) return;
    const names = name(key);
    this.end = names[0] ?? this.#body;
    this.#summary = element("summary", "ipyllm-row", ...names, this.#count);
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    this.#summary.dataset.lmSuppressShortcuts = "true";
    const details = element("details", "ipyllm-branch", this.#summary, this.#body);
    details.dataset.kind = kind;
    details.open = true;
    this.node = details;
  }

  /** "3 fields"; "[]". */
  get size(): string {
    const isList = this.#kind === "array";
    if (this.#size) return counted(this.#size, isList ? "item" : "field");
    return isList ? "[]" : "{}";
  }

  add(key: Key, value: Value): void {
    if (this.#size > 0 && this.#size % SECTION === 0) {
      this.#home = element("div", "ipyllm-rows");
      this.#body.append(this.#home);
    }
    this.#home.append(value.node);
    this.members.set(key, value);
    this.#size++;
    if (this.#size === MANY + 1) this.#body.classList.add("ipyllm-many");
  }

  paint(): void {
    this.#count.textContent = this.size;
  }

  finish(ms: number | null): void {
    if (!this.#size) {
      this.node.classList.add("ipyllm-empty");
      if (this.#summary) this.#summary.tabIndex = -1;
    }
    stamp(this.#summary, ms);
  }
}

function name(key: Key): HTMLElement[] {
  if (key === null) return [];
  const node = element("span", "ipyllm-key", `${key}`);
  if (typeof key === "number") node.classList.add("ipyllm-index");
  return [node];
}

/** Shown by the style sheet: it is not part of the text. */
function stamp(node: HTMLElement | null, ms: number | null): void {
  if (node && ms !== null) node.dataset.when = arrival(ms);
}

/** "0.42 s": all with two digits, so that a column of them is in line. */
export function arrival(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** "1 row", "2,000 rows". */
export function counted(size: number, noun: string): string {
  return `${count(size)} ${noun}${size === 1 ? "" : "s"}`;
}
