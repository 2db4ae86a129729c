import { element } from "../markdown/dom.ts";
import { TextView } from "../text-view.ts";
import { Compact } from "./compact.ts";
import { JsonReader, type Key, type Kind, type Sink } from "./json-reader.ts";
import { arrival, counted, type Path } from "./tree-view.ts";

/** Rows to a `tbody`; past the first, each is laid out by itself. */
const SEGMENT_ROWS = 64;
/** Width (px) of a column that came after the widths were fixed. */
const LATE_WIDTH = 140;
/** A column narrower than this (px) has so much more: numbers get longer as rows are counted. */
const NARROW = 200;
const SLACK = 16;

/**
 * A list of flat objects as a table that grows: `[{...}, ...]`, or the same as an object's only member.
 *
 * As in a table of Markdown, each 64 rows past the first are laid out by themselves, in the columns the first
 * ones have: in one table a row costs what all rows cost.
 */
export class TableView implements Sink {
  readonly node: HTMLElement;
  /** Whether what came so far is such a list; null while that is not known. */
  fits: boolean | null = null;
  readonly #insist: boolean;
  readonly #reader = new JsonReader(this);
  readonly #table = element("table", "ipyllm-grid");
  readonly #head = element("tr");
  readonly #columns = new Map<string, Column>();
  readonly #rows: Row[] = [];
  #body = element("tbody");
  #widths: number[] | null = null;
  /** How many values are open, and how many of them are around a row. */
  #depth = 0;
  #outer = 0;
  #isOver = false;
  #cell: Cell | null = null;
  #nested: Compact | null = null;
  #last: HTMLElement;
  #marked: HTMLElement | null = null;
  #raw: TextView | null = null;
  #ms: number | null = null;
  #isAtEnd = true;
  #isScrolled = false;

  /** `insist`: a table is wanted of whatever rows there are, be they flat or not. */
  constructor(insist = false) {
    this.#insist = insist;
    this.#table.append(element("thead", "", this.#head), this.#body);
    this.node = element("div", "ipyllm-table", this.#table);
    // Scrolled by the arrow keys.
    this.node.tabIndex = 0;
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "table");
    this.node.dataset.lmSuppressShortcuts = "true";
    this.#last = this.node;
    this.node.addEventListener("scroll", () => this.#look(), { passive: true });
  }

  get rows(): number {
    return this.#rows.length;
  }

  get size(): string {
    return this.fits ? counted(this.rows, "row") : "";
  }

  append(text: string, ms: number | null = null): void {
    this.#ms = ms;
    this.#reader.append(text);
  }

  paint(flowing: boolean): void {
    const marked = flowing ? this.#last : null;
    if (marked !== this.#marked) {
      this.#marked?.classList.remove("ipyllm-here");
      marked?.classList.add("ipyllm-here");
      this.#marked = marked;
    }
    // The newest row stays in sight unless one scrolled away from it.
    if (flowing && this.#isAtEnd && this.rows > 8) this.node.scrollTop = 1e7;
  }

  /** Marks the cell at `path`, or its row; false if there is none. */
  fail(path: Path, message: string): boolean {
    const [at, column] = path.slice(this.#outer - 1);
    const row = typeof at === "number" ? this.#rows[at] : undefined;
    const index = this.#columns.get(`${column}`)?.index ?? -1;
    const place = row?.cells[index]?.node ?? row?.node;
    this.node.querySelector(".ipyllm-failed")?.classList.remove("ipyllm-failed");
    place?.classList.add("ipyllm-failed");
    place?.setAttribute("title", message);
    return place !== undefined;
  }

  begin(kind: Kind, key: Key): void {
    const depth = this.#depth++;
    if (this.#isOver && this.#insist) return;
    if (this.fits === null) this.#find(kind, depth);
    else if (depth < this.#outer && !this.#insist) this.fits = false;
    if (!this.fits || depth < this.#outer) return;
    if (depth === this.#outer) this.#addRow(kind);
    else if (depth === this.#outer + 1 && this.#nested === null) this.#addCell(kind, `${key}`);
    else this.#nested?.begin(kind, key);
  }

  grow(text: string): void {
    if (this.#nested) this.#nested.grow(text);
    else this.#cell?.append(text);
  }

  end(): void {
    this.#depth--;
    if (this.#depth < this.#outer) this.#isOver = true;
    this.#nested?.end();
    if (this.#depth > this.#outer + 1) return;
    if (this.#depth === this.#outer + 1 && this.#cell?.isRow) return;
    this.#nested = this.#cell = null;
    if (this.fits && this.#depth === this.#outer && this.#ms !== null)
      this.#rows.at(-1)?.node.setAttribute("title", arrival(this.#ms));
  }

  raw(text: string): void {
    if (this.fits === null) this.fits = false;
    if (!this.#raw) {
      this.#raw = new TextView("ipyllm-unread");
      this.node.append(this.#raw.node);
    }
    this.#raw.append(text);
    this.#last = this.#raw.node;
  }

  #find(kind: Kind, depth: number): void {
    if (this.#outer > 0) this.fits = kind === "object" || this.#insist;
    else if (kind === "array") this.#outer = depth + 1;
    else if (kind !== "object" || depth > 0) this.fits = false;
  }

  #addRow(kind: Kind): void {
    const row = new Row();
    if (this.#rows.length > 0 && this.#rows.length % SEGMENT_ROWS === 0) this.#nextBody();
    this.#rows.push(row);
    this.#body.append(row.node);
    if (kind !== "object") this.#openCell(row.cell(0, true), kind, null);
  }

  #addCell(kind: Kind, key: string): void {
    const row = this.#rows.at(-1);
    if (!row) return;
    const isFlat = kind !== "object" && kind !== "array";
    if (!isFlat && this.rows === 1 && !this.#insist) {
      this.fits = false;
      return;
    }
    const column = this.#column(key);
    if (kind === "number") column.align();
    const cell = row.cell(column.index);
    cell.node.classList.toggle("ipyllm-right", column.isNumeric && isFlat && kind !== "string");
    this.#openCell(cell, kind, isFlat ? null : key);
  }

  #openCell(cell: Cell, kind: Kind, key: string | null): void {
    cell.node.dataset.kind = kind;
    this.#cell = cell;
    this.#last = cell.node;
    if (key === null && !cell.isRow) return;
    this.#nested = new Compact((text) => cell.append(text));
    this.#nested.begin(kind, null);
  }

  #column(key: string): Column {
    let column = this.#columns.get(key);
    if (!column) {
      column = new Column(key, this.#columns.size);
      this.#columns.set(key, column);
      this.#head.append(column.node);
      if (this.#widths) {
        this.#widths.push(LATE_WIDTH);
        this.#fixColumns(this.#widths);
      }
    }
    return column;
  }

  #nextBody(): void {
    if (!this.#widths) {
      this.#widths = loosened([...this.#columns.values()].map((column) => this.#width(column)));
      this.#table.classList.add("ipyllm-grid-long");
      this.#fixColumns(this.#widths);
    }
    this.#body = element("tbody");
    this.#table.append(this.#body);
  }

  /** As it is shown; guessed from its text where it is not. */
  #width({ node, index }: Column): number {
    const texts = this.#rows.map(({ cells }) => cells[index]?.node.textContent?.length ?? 0);
    const letters = Math.max(node.textContent?.length ?? 0, ...texts);
    return node.offsetWidth || Math.min(32 + 8 * letters, 400);
  }

  #fixColumns(widths: readonly number[]): void {
    const sum = widths.reduce((total, width) => total + width, 0);
    const columns = widths.map((width) => `minmax(0, ${width}fr)`).join(" ");
    this.#table.style.setProperty("--ipyllm-width", `${sum}px`);
    this.#table.style.setProperty("--ipyllm-columns", columns);
  }

  #look(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.node;
    this.#isAtEnd = scrollTop + clientHeight > scrollHeight - 24;
    if (this.#isScrolled !== scrollTop > 0) {
      this.#isScrolled = scrollTop > 0;
      this.node.classList.toggle("ipyllm-scrolled", this.#isScrolled);
    }
  }
}

/** The narrow columns a little wider, the widest less by as much. */
function loosened(widths: readonly number[]): number[] {
  const widest = widths.indexOf(Math.max(...widths));
  const added = SLACK * widths.filter((width) => width < NARROW).length;
  return widths.map((width, index) => {
    if (width < NARROW) return width + SLACK;
    return index === widest ? Math.max(NARROW, width - added) : width;
  });
}

class Column {
  readonly node: HTMLElement;
  readonly index: number;
  isNumeric = false;

  constructor(name: string, index: number) {
    this.index = index;
    this.node = element("th", "", name);
    this.node.setAttribute("scope", "col");
  }

  /** Numbers stand at the right, and what stands in their place. */
  align(): void {
    if (this.isNumeric) return;
    this.isNumeric = true;
    this.node.classList.add("ipyllm-right");
  }
}

class Row {
  readonly node = element("tr");
  readonly cells: Cell[] = [];

  /** `isRow`: what stands there is all of the row, for it is no object. */
  cell(index: number, isRow = false): Cell {
    while (this.cells.length <= index) {
      const cell = new Cell(isRow);
      this.cells.push(cell);
      this.node.append(cell.node);
    }
    const found = this.cells[index];
    if (!found) throw new RangeError(`no column ${index}`);
    // Of two members of one name the last one counts.
    found.clear();
    return found;
  }
}

class Cell {
  readonly node = element("td");
  readonly isRow: boolean;
  #text: Text | null = null;

  constructor(isRow: boolean) {
    this.isRow = isRow;
  }

  append(text: string): void {
    if (this.#text) this.#text.appendData(text);
    else if (text) {
      this.#text = document.createTextNode(text);
      this.node.append(this.#text);
    }
  }

  clear(): void {
    if (this.#text) this.#text.data = "";
  }
}
