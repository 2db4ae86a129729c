import { copyCode } from "./code-block.ts";
import { Definitions } from "./definitions.ts";
import { element } from "./dom.ts";
import { blocks, info, type Token } from "./grammar.ts";
import { heal } from "./heal.ts";
import { loadImage } from "./image.ts";
import { LongParagraph } from "./long-paragraph.ts";
import { completeLines, endLine, groups, type OpenBlock, offset, type Page } from "./open-block.ts";
import { OpenFence } from "./open-fence.ts";
import { OpenList, split } from "./open-list.ts";
import { OpenTable } from "./open-table.ts";
import { Segments } from "./segments.ts";

const SECTION_BLOCKS = 32;
/** A paint that took longer (ms) is followed by a rest of REST times as long: the page stays free to answer. */
const LONG_PAINT = 12;
const REST = 4;

export type MarkdownHooks = {
  /** Colours a closed code block. */
  readonly highlight?: (code: HTMLElement, language: string) => void;
  /** Typesets the formulas of a block that is final. */
  readonly typeset?: (block: HTMLElement) => void;
};

/**
 * Growing Markdown, rendered, whose cost does not grow with it.
 *
 * A top-level block is final once a later one begins on a complete line, cut where it ends: a definition in the
 * gap stays with what follows. Final blocks are never touched again, but for text that waits for a link's
 * definition. Nothing is ever decided on the last, partial line (`2` may become `2.`, `#` become `#x`), nor on
 * the healed source, which is for the eye.
 */
export class MarkdownView {
  readonly node: HTMLElement;
  readonly #hooks: MarkdownHooks;
  readonly #page: Page;
  readonly #now: () => number;
  #restUntil = 0;
  #pending: string[] = [];
  #tail = "";
  #open: OpenBlock | null = null;
  readonly #paragraph = new LongParagraph();
  #endsInCR = false;
  #isFinished = false;

  /** `now`: ms on any steady clock. */
  constructor(className: string, hooks: MarkdownHooks = {}, now = () => performance.now()) {
    this.#hooks = hooks;
    this.#now = now;
    this.node = element("div", className);
    this.node.addEventListener("click", pressed);
    const section = () => {
      const made = element("div", "ipyllm-section");
      this.node.append(made);
      return made;
    };
    this.#page = {
      sections: new Segments(section(), SECTION_BLOCKS, section),
      definitions: new Definitions(),
      done: (node) => this.#done(node),
    };
  }

  append(text: string): void {
    this.#pending.push(text);
  }

  /** Shows what came; after a long paint only when it is due again. */
  paint(): void {
    const start = this.#now();
    if (!this.#pending.length || this.#isFinished || start < this.#restUntil) return;
    this.#feed(this.#news(), false);
    const took = this.#now() - start;
    if (took > LONG_PAINT) this.#restUntil = start + took + took * REST;
  }

  /** Everything came: what is open ends here. */
  finish(): void {
    if (this.#isFinished) return;
    this.#feed(this.#news(), true);
    this.#isFinished = true;
  }

  /** Line ends and NUL as CommonMark has them; a CR at the end may be half a CRLF. */
  #news(): string {
    let text = this.#pending.join("");
    this.#pending = [];
    if (!text) return text;
    const endsInCR = text.endsWith("\r");
    if (this.#endsInCR && text.startsWith("\n")) text = text.slice(1);
    this.#endsInCR = endsInCR;
    if (text.includes("\r")) text = text.replace(/\r\n?/g, "\n");
    return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
  }

  #feed(text: string, isLast: boolean): void {
    let hasLine = isLast || text.includes("\n");
    this.#tail += text;
    for (;;) {
      if (this.#open === null && hasLine) this.#advance(isLast);
      if (this.#open === null) break;
      const rest = this.#open.feed(this.#tail, isLast);
      this.#tail = rest ?? "";
      if (rest === null) return;
      this.#open = null;
      hasLine = true;
    }
    if (isLast) this.#page.sections.draw([]);
    else this.#draw();
  }

  /** Makes blocks final; the last one may go on as an open block. */
  #advance(isLast: boolean): void {
    const source = isLast ? this.#tail : completeLines(this.#tail);
    const { definitions } = this.#page;
    const scope = definitions.scope();
    const tokens = blocks(source, scope);
    const found = groups(tokens);
    const final = isLast ? found : found.slice(0, -1);
    let end = isLast ? Number.POSITIVE_INFINITY : endLine(final.at(-1));
    this.#commit(final, scope);
    const last = found.at(-1);
    const open = isLast || !last ? null : this.#opened(last, source);
    if (open && last) {
      end = last[0]?.map?.[0] ?? 0;
      if (open.skip) end += open.skip;
    }
    definitions.take(tokens, scope, end);
    this.#tail = isLast ? "" : this.#tail.slice(offset(source, end));
    this.#open = open?.make() ?? null;
    // What was drawn as another block while it was not whole must not stay below it.
    if (this.#open) this.#page.sections.draw([]);
  }

  #commit(final: readonly Token[][], scope: ReturnType<Definitions["scope"]>): void {
    if (!final.length) return;
    const { definitions, sections } = this.#page;
    const renderer = definitions.renderer(scope);
    const kept = new Map<Node, Node>();
    const nodes = renderer.blocks(final.flat());
    sections.commit(nodes, kept);
    definitions.wait(renderer.leaves, kept);
    for (const node of nodes) this.#done((kept.get(node) ?? node) as HTMLElement);
  }

  /** A way for the last block to grow without being parsed from its start: `skip` lines are taken by it. */
  #opened(block: Token[], source: string): { skip: number; make: () => OpenBlock } | null {
    const [first] = block;
    const start = offset(source, first?.map?.[0] ?? 0);
    const page = this.#page;
    switch (first?.type) {
      case "fence": {
        const opening = OpenFence.opening(source.slice(start));
        if (opening === null) return null;
        return { skip: 1, make: () => new OpenFence(page, opening, info(first)) };
      }
      case "table_open": {
        const head = source.slice(start, start + offset(source.slice(start), 2));
        return { skip: 2, make: () => new OpenTable(page, head) };
      }
      case "bullet_list_open":
      case "ordered_list_open":
        if (split(block).length < 2) return null;
        return { skip: 0, make: () => new OpenList(page, first) };
      default:
        return null;
    }
  }

  #draw(): void {
    const { definitions, sections } = this.#page;
    const scope = definitions.scope();
    const found = groups(blocks(heal(this.#tail), scope));
    const paragraph = this.#paragraph.draw(found, scope);
    sections.draw(paragraph ? [paragraph] : definitions.renderer(scope).blocks(found.flat()));
  }

  #done(node: HTMLElement): void {
    const { highlight, typeset } = this.#hooks;
    if (highlight) {
      for (const code of node.querySelectorAll<HTMLElement>('code[class^="language-"]')) {
        highlight(code, code.className.slice("language-".length));
      }
    }
    if (typeset && /\$|\\[([]/.test(node.textContent ?? "")) typeset(node);
  }
}

function pressed({ target }: Event): void {
  if (!(target instanceof HTMLElement)) return;
  if (target.matches(".ipyllm-copy")) copyCode(target);
  else if (target.matches(".ipyllm-image")) loadImage(target);
}
