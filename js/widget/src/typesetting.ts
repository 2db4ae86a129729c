import type { Model } from "./host.ts";

type Typesetter = { typeset(node: HTMLElement): unknown };

let first: Promise<unknown> | undefined;

/**
 * Typesets a block's formulas by the front end's own MathJax, where it has one. In a task of its own, and after a
 * first `$x$` that nobody sees: MathJax's beginning costs 30 ms, and with a paragraph's formulas it was a long task.
 */
export function typeset(model: Model, block: HTMLElement): void {
  const typesetter = model.widget_manager?._rendermime?.latexTypesetter;
  if (!typesetter) return;
  first ??= begin(typesetter);
  first.finally(() => setTimeout(() => typesetter.typeset(block)));
}

function begin(typesetter: Typesetter): Promise<unknown> {
  const unseen = document.createElement("span");
  unseen.textContent = "$x$";
  return new Promise((resolve) => setTimeout(() => resolve(typesetter.typeset(unseen))));
}
