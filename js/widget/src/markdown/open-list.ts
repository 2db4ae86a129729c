import { element } from "./dom.ts";
import { blocks, type Token } from "./grammar.ts";
import { heal } from "./heal.ts";
import { completeLines, groups, type OpenBlock, offset, type Page } from "./open-block.ts";
import { Segments } from "./segments.ts";

const SEGMENT_ITEMS = 64;
const INLINE = new Set(["A", "BR", "BUTTON", "CODE", "DEL", "EM", "S", "SPAN", "STRONG"]);

/**
 * A list of which only the last item is open: an item is final once the next begins on a complete line.
 *
 * What is parsed is an item of ours, for the list to be one (indented so far that no item is inside it), and the
 * open ones. Whether a list is loose shows
 * between two items, or in one; each pair is once in the same parse, and our item tells.
 */
export class OpenList implements OpenBlock {
  readonly #page: Page;
  readonly #prefix: string;
  readonly #list: HTMLElement;
  readonly #items: Segments;
  #text = "";
  #isLoose = false;

  constructor(page: Page, open: Token) {
    this.#page = page;
    this.#prefix = open.tag === "ol" ? `1${open.markup}    x\n` : `${open.markup}    x\n`;
    const [shell = element("ul")] = page.definitions.renderer({}).blocks([open]);
    this.#list = page.sections.adopt(shell);
    this.#items = new Segments(this.#list, SEGMENT_ITEMS, () => {
      const segment = element("div", "ipyllm-segment");
      segment.setAttribute("role", "presentation");
      this.#list.append(segment);
      return segment;
    });
  }

  feed(text: string, isLast: boolean): string | null {
    this.#text += text;
    const hasLine = isLast || text.includes("\n");
    const rest = hasLine ? this.#advance(isLast) : null;
    if (rest === null) this.#draw();
    return rest;
  }

  #advance(isLast: boolean): string | null {
    const whole = isLast ? this.#text : completeLines(this.#text);
    const scope = this.#page.definitions.scope();
    const tokens = blocks(this.#prefix + whole, scope);
    const [list = [], ...others] = groups(tokens);
    const hasEnded = isLast || others.length > 0;
    const items = split(list).slice(1);
    if (!hasEnded && items.length < 2) return null;
    if (isLooseList(list)) this.#loosen();
    const final = hasEnded ? items : items.slice(0, -1);
    const end = final.at(-1)?.[0]?.map?.[1] ?? 1;
    const { definitions } = this.#page;
    const renderer = definitions.renderer(scope);
    const kept = new Map<Node, Node>();
    const nodes = renderer.blocks(this.#styled(final).flat());
    this.#items.commit(nodes, kept);
    definitions.wait(renderer.leaves, kept);
    definitions.take(tokens, scope, end);
    for (const node of nodes) this.#page.done((kept.get(node) ?? node) as HTMLElement);
    this.#text = this.#text.slice(offset(whole, end - 1));
    if (!hasEnded) return null;
    this.#items.draw([]);
    this.#page.sections.draw([]);
    return this.#text;
  }

  #draw(): void {
    const { definitions, sections } = this.#page;
    const scope = definitions.scope();
    const [list = [], ...others] = groups(blocks(this.#prefix + heal(this.#text), scope));
    const renderer = definitions.renderer(scope);
    this.#items.draw(renderer.blocks(this.#styled(split(list).slice(1)).flat()));
    sections.draw(others.flatMap((other) => renderer.blocks(other)));
  }

  /** The items' own paragraphs, as in the whole list. */
  #styled(items: Token[][]): Token[][] {
    for (const token of items.flat()) {
      if (token.level === 2 && token.type.startsWith("paragraph")) token.hidden = !this.#isLoose;
    }
    return items;
  }

  #loosen(): void {
    if (this.#isLoose) return;
    this.#isLoose = true;
    for (const item of this.#list.querySelectorAll("li")) {
      if (item.parentElement?.closest("ul, ol") === this.#list) wrapText(item);
    }
  }
}

/** Only moves nodes: nothing of them is made anew. */
function wrapText(item: Element): void {
  let paragraph: HTMLElement | null = null;
  for (const node of [...item.childNodes]) {
    if (node instanceof Text || INLINE.has(node.nodeName)) {
      if (paragraph === null) {
        paragraph = element("p");
        item.insertBefore(paragraph, node);
      }
      paragraph.append(node);
    } else paragraph = null;
  }
}

export function isLooseList(list: readonly Token[]): boolean {
  return list.some(
    ({ type, level, hidden }) => type === "paragraph_open" && level === 2 && !hidden,
  );
}

/** The tokens of each item. */
export function split(list: readonly Token[]): Token[][] {
  const out: Token[][] = [];
  for (const token of list.slice(1, -1)) {
    if (token.type === "list_item_open" && token.level === 1) out.push([token]);
    else out.at(-1)?.push(token);
  }
  return out;
}
