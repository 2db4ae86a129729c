import { copyText } from "../clipboard.ts";
import { element } from "../markdown/dom.ts";
import { button } from "./button.ts";
import { TableView } from "./table-view.ts";
import { type Path, TreeView } from "./tree-view.ts";

/** How long a button says what came of it (ms). */
const SAID = 1500;

/** A typed answer while it comes: a table where it is a list of flat objects, else a tree; one can have either. */
export class ValueView {
  readonly node: HTMLElement;
  readonly #size = element("span", "ipyllm-size");
  readonly #switch = button("Tree", () => this.#toggle());
  readonly #copy = button("Copy JSON", () => void this.#copyJson());
  readonly #pieces: { readonly text: string; readonly ms: number | null }[] = [];
  #tree: TreeView | null = null;
  #table: TableView | null = new TableView();
  #shown: TreeView | TableView;
  #flowing = true;
  #hasRows = false;
  #failure: { readonly path: Path; readonly message: string } | null = null;
  #markedIn: TreeView | TableView | null = null;
  readonly #said = element("div", "ipyllm-failure");

  constructor() {
    this.#shown = this.#table ?? new TreeView();
    this.#switch.hidden = true;
    this.#said.hidden = true;
    const bar = element("div", "ipyllm-value-bar", this.#size, this.#switch, this.#copy);
    this.node = element("div", "ipyllm-typed", bar, this.#shown.node, this.#said);
  }

  /** More of the answer's JSON; `ms`: when it arrived, since the request. */
  append(text: string, ms: number | null = null): void {
    this.#pieces.push({ text, ms });
    this.#tree?.append(text, ms);
    this.#table?.append(text, ms);
    if (this.#table?.fits === false) this.#giveUpTable();
  }

  /** `flowing`: more may come. */
  paint(flowing: boolean): void {
    this.#flowing = flowing;
    if (!flowing && this.#table?.fits === null && this.#pieces.length) this.#giveUpTable();
    this.#shown.paint(flowing);
    this.#hasRows ||= this.#table !== null && this.#table.rows > 0;
    this.#switch.hidden = !this.#hasRows;
    if (this.#size.textContent !== this.#shown.size) this.#size.textContent = this.#shown.size;
    this.#paintFailure();
  }

  /** Marks the place that can no longer become what was asked for. */
  fail(path: Path, message: string): void {
    this.#failure = { path, message };
    this.#markedIn = null;
    this.#paintFailure();
  }

  /** The place may be yet to come: it is looked for until it is there. */
  #paintFailure(): void {
    this.#said.hidden = this.#failure === null || this.#shown === this.#tree;
    if (!this.#failure || this.#markedIn === this.#shown) return;
    const { path, message } = this.#failure;
    if (this.#shown.fail(path, message)) this.#markedIn = this.#shown;
    this.#said.textContent = `${spelled(path)}${message}`;
  }

  /** What came is no list of flat objects. A table one asked for keeps its rows anyway. */
  #giveUpTable(): void {
    this.#hasRows ||= (this.#table?.rows ?? 0) > 0;
    if (this.#shown === this.#table) this.#show("tree");
    this.#table = null;
  }

  #toggle(): void {
    this.#show(this.#shown === this.#table ? "tree" : "table");
    this.paint(this.#flowing);
  }

  #show(which: "tree" | "table"): void {
    const before = this.#shown;
    this.#shown = which === "tree" ? this.#readTree() : this.#readTable();
    this.#switch.textContent = which === "tree" ? "Table" : "Tree";
    before.node.replaceWith(this.#shown.node);
  }

  #readTree(): TreeView {
    if (!this.#tree) {
      this.#tree = new TreeView();
      for (const { text, ms } of this.#pieces) this.#tree.append(text, ms);
    }
    return this.#tree;
  }

  /** After the first gave up: one that takes whatever rows there are. */
  #readTable(): TableView {
    if (!this.#table) {
      this.#table = new TableView(true);
      for (const { text, ms } of this.#pieces) this.#table.append(text, ms);
    }
    return this.#table;
  }

  async #copyJson(): Promise<void> {
    const isCopied = await copyText(this.#pieces.map(({ text }) => text).join(""));
    this.#copy.textContent = isCopied ? "Copied" : "Not copied";
    setTimeout(() => {
      this.#copy.textContent = "Copy JSON";
    }, SAID);
  }
}

/** "value[3].name: " */
function spelled(path: Path): string {
  const names = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return names && `${names.replace(/^\./, "")}: `;
}
