import type { Reference, References, Token } from "./grammar.ts";
import { patch } from "./patch.ts";
import { type Leaf, Renderer } from "./render.ts";

/**
 * The link definitions that are final, and the text that waits for one.
 *
 * A definition may stand anywhere, and the first of a label counts: so each is taken when its place is final, in
 * the document's order, never when it is first seen.
 */
export class Definitions {
  readonly #final: Record<string, Reference> = Object.create(null);
  readonly #waiting = new Map<string, Set<Leaf>>();
  readonly isFinal = (label: string): boolean => label in this.#final;

  /** The final ones; what a parser adds to it stays there. */
  scope(): References {
    return Object.create(this.#final);
  }

  /** A renderer for what is final; `wait` must be told its leaves. */
  renderer(scope: References): Renderer {
    return new Renderer(scope, this.isFinal);
  }

  wait(leaves: readonly Leaf[], kept: ReadonlyMap<Node, Node>): void {
    for (const { source, nodes, labels } of leaves) {
      const leaf = { source, labels, nodes: nodes.map((node) => kept.get(node) ?? node) };
      for (const label of labels) {
        const leaves = this.#waiting.get(label);
        if (leaves) leaves.add(leaf);
        else this.#waiting.set(label, new Set([leaf]));
      }
    }
  }

  /** Takes the definitions before line `end`, and mends the text that waited for them. */
  take(tokens: readonly Token[], scope: References, end: number): void {
    const late = new Set<Leaf>();
    for (const { type, map, meta } of tokens) {
      if (type !== "reference_definition" || (map?.[1] ?? 0) > end) continue;
      const { label } = meta as { label: string };
      const definition = scope[label];
      if (definition === undefined || this.isFinal(label)) continue;
      this.#final[label] = definition;
      for (const leaf of this.#waiting.get(label) ?? []) late.add(leaf);
    }
    for (const leaf of late) this.#mend(leaf);
  }

  #mend(leaf: Leaf): void {
    for (const label of leaf.labels) this.#waiting.get(label)?.delete(leaf);
    const [first, last] = [leaf.nodes[0], leaf.nodes.at(-1)];
    if (!first?.parentNode || !last) return;
    const renderer = this.renderer(this.scope());
    const kept = new Map<Node, Node>();
    const wanted = renderer.text(leaf.source);
    const nodes = patch(first.parentNode, first, wanted, kept, last.nextSibling);
    this.wait(
      renderer.leaves.map((next) => ({ ...next, nodes })),
      new Map(),
    );
  }
}
