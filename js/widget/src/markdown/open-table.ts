import { blocks, type Token } from "./grammar.ts";
import { heal } from "./heal.ts";
import { completeLines, endLine, groups, type OpenBlock, offset, type Page } from "./open-block.ts";
import { Segments } from "./segments.ts";

const SEGMENT_ROWS = 64;

/**
 * A table whose head is known: only new rows are parsed.
 *
 * Past 64 rows each further 64 are a `tbody` laid out by itself, in the columns the first ones have: as one
 * table 2,000 rows cost 30 ms an append.
 */
export class OpenTable implements OpenBlock {
  readonly #page: Page;
  readonly #head: string;
  readonly #table: HTMLElement;
  #rows: Segments | null = null;
  #text = "";

  constructor(page: Page, head: string) {
    this.#page = page;
    this.#head = head;
    const [shell] = page.definitions.renderer({}).blocks(this.#parse(head).table.slice(0, 1));
    this.#table = page.sections.adopt(shell ?? document.createElement("table"));
    const top = new Segments(this.#table, Number.POSITIVE_INFINITY, () => this.#table);
    this.#commit(top, (tokens) => between(tokens, "thead"));
  }

  feed(text: string, isLast: boolean): string | null {
    this.#text += text;
    const whole = isLast ? this.#text : completeLines(this.#text);
    if (whole || isLast) {
      const { lines } = this.#parse(this.#head + whole);
      const end = offset(whole, lines - 2);
      this.#commitRows(this.#head + whole.slice(0, end));
      this.#text = this.#text.slice(end);
      if (isLast || end < whole.length) {
        this.#rows?.draw([]);
        this.#page.done(this.#table);
        return this.#text;
      }
    }
    this.#draw();
    return null;
  }

  #parse(source: string): { table: Token[]; lines: number } {
    const [table = []] = groups(blocks(source, {}));
    return { table, lines: endLine(table) };
  }

  #commitRows(source: string): void {
    this.#commit(null, (tokens) => between(tokens, "tbody").slice(1, -1), source);
  }

  #commit(into: Segments | null, part: (tokens: Token[]) => Token[], source = this.#head): void {
    const tokens = part(this.#parse(source).table);
    if (!tokens.length) return;
    const { definitions } = this.#page;
    const renderer = definitions.renderer(definitions.scope());
    const kept = new Map<Node, Node>();
    (into ?? this.#body()).commit(renderer.blocks(tokens), kept);
    definitions.wait(renderer.leaves, kept);
  }

  #draw(): void {
    const partial = this.#text.trim() && heal(this.#text);
    const { table, lines } = this.#parse(this.#head + partial);
    const tokens = partial && lines === 3 ? between(table, "tbody").slice(1, -1) : [];
    if (!tokens.length && !this.#rows) return;
    const { definitions } = this.#page;
    this.#body().draw(definitions.renderer(definitions.scope()).blocks(tokens));
  }

  #body(): Segments {
    this.#rows ??= new Segments(this.#nextBody(), SEGMENT_ROWS, () => {
      this.#fixColumns();
      return this.#nextBody();
    });
    return this.#rows;
  }

  #nextBody(): HTMLElement {
    const body = document.createElement("tbody");
    this.#table.append(body);
    return body;
  }

  /** The columns' widths as the first rows made them; every segment is as wide, so all stay in line. */
  #fixColumns(): void {
    if (this.#table.classList.contains("ipyllm-long")) return;
    const cells = [...this.#table.querySelectorAll<HTMLElement>("thead th")];
    const widths = cells.map((cell) => cell.offsetWidth);
    const sum = widths.reduce((total, width) => total + width, 0);
    this.#table.style.setProperty("--ipyllm-width", `${sum}px`);
    this.#table.style.setProperty(
      "--ipyllm-columns",
      widths.map((width) => `minmax(0, ${width || 1}fr)`).join(" "),
    );
    this.#table.classList.add("ipyllm-long");
  }
}

/** The tokens of the first `tag`, itself included. */
function between(tokens: readonly Token[], tag: string): Token[] {
  const open = tokens.findIndex(({ type }) => type === `${tag}_open`);
  const close = tokens.findIndex(({ type }) => type === `${tag}_close`);
  return open < 0 ? [] : tokens.slice(open, close + 1);
}
