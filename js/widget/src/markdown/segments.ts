import { patch } from "./patch.ts";

/**
 * Children that are final, and after them a tail that is drawn anew: cut into segments, so that layout
 * looks at the last one alone. (1 MB as flat siblings: 27 ms an append, in sections of 32: 0.3.)
 */
export class Segments {
  #segment: HTMLElement;
  #last: Node | null = null;
  #count = 0;
  readonly #size: number;
  readonly #next: () => HTMLElement;

  constructor(first: HTMLElement, size: number, next: () => HTMLElement) {
    this.#segment = first;
    this.#size = size;
    this.#next = next;
  }

  /** Shows these after what is final, instead of what was there. */
  draw(wanted: readonly Node[]): void {
    patch(this.#segment, this.#first(), wanted);
  }

  /** Makes these final; nodes that were drawn alike become them. */
  commit(wanted: readonly Node[], kept?: Map<Node, Node>): void {
    for (const node of wanted) {
      const first = this.#first();
      this.#settle(
        patch(this.#segment, first, [node], kept, first?.nextSibling ?? null)[0] ?? node,
      );
    }
  }

  /** Makes the first drawn node final, if it is of the same kind, else `shell`; leaves its children alone. */
  adopt(shell: HTMLElement): HTMLElement {
    const first = this.#first();
    const node = first?.nodeName === shell.nodeName && first instanceof HTMLElement ? first : shell;
    if (node === shell) {
      this.#segment.insertBefore(shell, first);
      if (first) this.#segment.removeChild(first);
    } else {
      for (const name of shell.getAttributeNames()) {
        node.setAttribute(name, shell.getAttribute(name) ?? "");
      }
    }
    this.#settle(node);
    return node;
  }

  /** Makes `node` final, in the place of the first drawn one. */
  replace(node: HTMLElement): void {
    const first = this.#first();
    this.#segment.insertBefore(node, first);
    if (first) this.#segment.removeChild(first);
    this.#settle(node);
  }

  #first(): Node | null {
    return this.#last ? this.#last.nextSibling : this.#segment.firstChild;
  }

  #settle(node: Node): void {
    this.#last = node;
    if (++this.#count < this.#size) return;
    const rest: Node[] = [];
    for (let at = node.nextSibling; at; at = at.nextSibling) rest.push(at);
    this.#segment = this.#next();
    this.#segment.append(...rest);
    this.#last = null;
    this.#count = 0;
  }
}
