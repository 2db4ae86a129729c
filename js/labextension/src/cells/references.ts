import { type Extension, Prec, RangeSetBuilder, StateEffect } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  hoverTooltip,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { settings } from "../settings.ts";
import type { Known } from "./kernel-names.ts";
import { isRaw, magicLine } from "./magic-line.ts";

/** Who knows names: a notebook's kernel. */
export interface Names {
  get(name: string): Known | undefined;
  want(names: Iterable<string>): void;
}

/** Finds who knows a cell's names; null for a cell that is in no notebook with a kernel. */
export interface NamesHost {
  of(view: EditorView): Names | null;
  leave(view: EditorView): void;
}

/** Tells a cell's editor that more is known of names. */
export const learned = StateEffect.define();

/** After a change (ms): a name is asked for when it is written. */
const PAUSE = 400;

/** As src/ipyllm/magic/references.py reads them. */
const NAME = String.raw`[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*`;
const STEP = String.raw`\.${NAME}|\[-?(?:0|[1-9][0-9]{0,17})\]|\["[^"\\{}\n]*"\]|\['[^'\\{}\n]*'\]`;
const SPEC = String.raw`:(?! )(?![^{}\n]*[0-9]{5})[^{}\n]+`;
const REFERENCE = `(?<!\\{)(\\{+)(${NAME})(?:${STEP})*(?:![rs])?(?:${SPEC})?(\\}+)`;

let pattern: RegExp | null = null;

const LOOKS = {
  there: Decoration.mark({ class: "ipyllm-reference" }),
  missing: Decoration.mark({ class: "ipyllm-reference ipyllm-reference-missing" }),
  kept: Decoration.mark({ class: "ipyllm-reference ipyllm-reference-kept" }),
  escaped: Decoration.mark({ class: "ipyllm-reference-escaped" }),
} as const;

interface Reference {
  /** The variable it begins with. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** `{{name}}`, which gives `{name}`; three pairs put the value in braces, more mean nothing. */
  readonly isEscaped: boolean;
}

/** The references in `text`, which begins at `offset`. */
export function references(text: string, offset = 0): Reference[] {
  pattern ??= new RegExp(REFERENCE, "gu"); // 2 ms, for its classes of letters: not while JupyterLab opens
  return [...text.matchAll(pattern)].map(
    ({ 0: all, 1: left = "", 2: name = "", 3: right = "", index }) => {
      // Braces without a partner stay outside.
      const braces = Math.min(left.length, right.length);
      const from = offset + index + left.length - braces;
      const to = offset + index + all.length - right.length + braces;
      return { name, from, to, isEscaped: braces !== 1 && braces !== 3 };
    },
  );
}

/** Marks `{name}` in what is seen of a prompt, underlines what the kernel does not have, and says what it has. */
export function referenceMarks(host: NamesHost): Extension {
  const plugin = ViewPlugin.define((view) => new Marks(view, host), {
    decorations: (marks) => marks.decorations,
  });
  const tooltip = hoverTooltip((view, position) => {
    const found = inSight(view).find(({ from, to }) => from <= position && position <= to);
    if (!found) return null;
    const text = said(found, host.of(view)?.get(found.name));
    if (!text) return null;
    return { pos: found.from, end: found.to, above: true, create: () => ({ dom: bubble(text) }) };
  });
  // Around what else marks a brace, not inside of it.
  return [Prec.lowest(plugin), tooltip];
}

class Marks {
  decorations: DecorationSet = Decoration.none;
  readonly #view: EditorView;
  readonly #host: NamesHost;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: EditorView, host: NamesHost) {
    this.#view = view;
    this.#host = host;
    this.#mark(view);
  }

  update(update: ViewUpdate): void {
    const hasLearned = update.transactions.some(({ effects }) =>
      effects.some((effect) => effect.is(learned)),
    );
    if (update.docChanged || update.viewportChanged || hasLearned) this.#mark(update.view);
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#host.leave(this.#view);
  }

  #mark(view: EditorView): void {
    const all = inSight(view);
    clearTimeout(this.#timer);
    if (!all.length) {
      this.decorations = Decoration.none;
      return;
    }
    const names = this.#host.of(view);
    const marks = new RangeSetBuilder<Decoration>();
    for (const { name, from, to, isEscaped } of all) {
      marks.add(from, to, LOOKS[isEscaped ? "escaped" : (names?.get(name)?.state ?? "there")]);
    }
    this.decorations = marks.finish();
    const unknown = all.filter(({ isEscaped }) => !isEscaped).map(({ name }) => name);
    if (!settings.checkNames) return;
    this.#timer = setTimeout(() => this.#host.of(view)?.want(unknown), PAUSE);
  }
}

function inSight({ state, visibleRanges }: EditorView): Reference[] {
  const line = magicLine(state.sliceDoc(0, visibleRanges[0]?.to ?? 0));
  if (!line || isRaw(state.sliceDoc(0, line.end))) return [];
  return visibleRanges.flatMap(({ from, to }) => {
    const start = Math.max(from, line.end);
    return start < to ? references(state.sliceDoc(start, to), start) : [];
  });
}

function said({ name, isEscaped }: Reference, known: Known | undefined): string {
  if (isEscaped) return "One pair of braces is taken off, and nothing is put in";
  switch (known?.state) {
    case "there":
      return known.text;
    case "missing":
      return `The kernel has no variable ${name}: this is sent as it is`;
    case "kept":
      return `${name} is a ${known.text}: this is sent as it is`;
    case undefined:
      return "";
  }
}

function bubble(text: string): HTMLElement {
  const node = document.createElement("div");
  node.className = "ipyllm-bubble";
  node.textContent = text;
  return node;
}
