import { Fold } from "./fold.ts";
import { Late } from "./late.ts";
import { element } from "./markdown/dom.ts";
import { type MarkdownHooks, MarkdownView } from "./markdown/markdown-view.ts";
import { type CallState, isActive, type State, type Violation } from "./messages.ts";
import { Prose, type Rendered } from "./prose.ts";
import type { Session } from "./session.ts";
import type { CallsView, ValueView } from "./structure/structure.ts";
import type { Part, Piece } from "./transcript.ts";
import { Turn } from "./turn.ts";

/** One part; of calls, all that are in a row. */
type Block = { readonly part: Part; readonly view: Prose | Fold | Turn | Late<CallsView> };

/** What came of an answer, in blocks. It keeps nothing but its place in the transcript. */
export class Body {
  readonly node = element("div", "ipyllm-body");
  readonly #session: Session;
  readonly #hooks: MarkdownHooks;
  readonly #blocks: Block[] = [];
  /** Where each call is shown, and what was said of it there. */
  readonly #calls = new Map<number, Late<CallsView>>();
  readonly #said = new Map<number, CallState>();
  #value: Late<ValueView> | null = null;
  #failed: Violation | undefined;
  #cursor = 0;
  #revision = 0;
  #raw = false;

  constructor(session: Session) {
    this.#session = session;
    this.#hooks = {
      highlight: (code, language) => void highlight(session, code, language),
      typeset: (block) => session.typeset(block),
    };
  }

  /** What people mean by the answer, as far as it was painted. */
  get source(): string {
    return this.#source(({ channel }) => channel === "text" || channel === "value");
  }

  /** Shows the source, or what it says. */
  toggleRaw(): boolean {
    this.#raw = !this.#raw;
    for (const { part, view } of this.#blocks) {
      if (!(view instanceof Prose)) continue;
      view.show(this.#raw ? this.#source((each) => each === part) : null);
    }
    return this.#raw;
  }

  paint(): void {
    const { pieces, revision, state, missing } = this.#session.transcript;
    if (revision !== this.#revision) this.#restart();
    for (const piece of pieces.slice(this.#cursor)) this.#append(piece);
    this.#cursor = pieces.length;
    this.#tellCalls();
    this.#tellFailure();
    for (const [index, { part, view }] of this.#blocks.entries()) {
      const isLast = index === this.#blocks.length - 1;
      const open = isLast && isFlowing(state);
      if (view instanceof Fold) view.paint(open, this.#thinking(part));
      // What was lost may be the end of this one.
      else view.paint(open, !open && !(isLast && missing));
    }
  }

  #restart(): void {
    this.#revision = this.#session.transcript.revision;
    this.#cursor = 0;
    this.#blocks.length = 0;
    this.#calls.clear();
    this.#said.clear();
    this.#value = null;
    this.#failed = undefined;
    this.node.replaceChildren();
  }

  #source(wanted: (part: Part) => boolean): string {
    const pieces = this.#session.transcript.pieces.slice(0, this.#cursor);
    return pieces.map(({ part, text }) => (wanted(part) ? text : "")).join("");
  }

  #append({ part, text, ms }: Piece): void {
    const call = callOf(part);
    // More of a call after something else came is still its own.
    const view = this.#calls.get(call) ?? this.#block(part);
    if (view instanceof Late) {
      this.#calls.set(call, view);
      view.append((cards) => cards.append(call, text, ms), text, call);
    } else view.append(text, ms);
  }

  #block(part: Part): Block["view"] {
    const last = this.#blocks.at(-1);
    if (last?.part === part) return last.view;
    if (last?.view instanceof Late && callOf(part) >= 0) return last.view;
    const view = this.#view(part);
    this.#blocks.push({ part, view });
    this.node.append(view.node);
    return view;
  }

  #view({ channel }: Part): Block["view"] {
    switch (channel) {
      case "reasoning":
        return new Fold(this.#blocks.length === 0);
      case "turn":
        return new Turn();
      case "refusal":
      case "text":
        return this.#prose(channel, this.#markdown());
      case "value":
        return this.#prose("text", this.#typed());
      default:
        return this.#cards();
    }
  }

  #prose(kind: "text" | "refusal", rendered: Rendered): Prose {
    const prose = new Prose(kind, rendered);
    if (this.#raw) prose.show("");
    return prose;
  }

  #markdown(): MarkdownView {
    // JupyterLab's own class: 78 of its rules make tables, quotes and code look as everywhere else in it.
    return new MarkdownView("ipyllm-prose jp-RenderedHTMLCommon", this.#hooks);
  }

  #typed(): Rendered {
    const session = this.#session;
    session.askStructure();
    const late = new Late(() => session.structure?.value(this.node));
    this.#value = late;
    return {
      node: late.node,
      append: (text, ms) => late.append((view) => view.append(text, ms), text),
      paint: () => late.paint(true),
      finish: () => late.paint(false),
    };
  }

  #cards(): Late<CallsView> {
    const session = this.#session;
    session.askStructure();
    const hooks = {
      approve: (call: number, yes: boolean) => session.approve(call, yes),
      markdown: (source: string) => {
        const view = this.#markdown();
        view.append(source);
        view.finish();
        return view.node;
      },
    };
    return new Late(() => session.structure?.calls(hooks, this.node));
  }

  /** Only what changed. What is said of a call whose text is yet to come waits for it. */
  #tellCalls(): void {
    for (const [call, told] of this.#session.transcript.calls) {
      const late = this.#calls.get(call);
      if (!late || this.#said.get(call) === told) continue;
      this.#said.set(call, told);
      const { state, text, error, seconds } = told;
      late.tell((cards) =>
        cards.state(call, {
          state,
          ...(text && { result: text }),
          ...(error && { error }),
          ...(seconds !== null && { seconds }),
        }),
      );
    }
  }

  #tellFailure(): void {
    const { invalid } = this.#session.transcript.metrics;
    if (!invalid || invalid === this.#failed || !this.#value) return;
    this.#failed = invalid;
    this.#value.tell((view) => view.fail(invalid.path, invalid.message));
  }

  /** Seconds from the part's first token to the next part's; null if it came by snapshot. */
  #thinking(part: Part): number | null {
    const { parts, metrics } = this.#session.transcript;
    const { ttft, ttfa } = metrics;
    const alone = parts.filter(({ channel }) => channel === "reasoning").length === 1;
    const isAnswerNext = parts[1]?.channel === "text" || parts[1]?.channel === "value";
    if (alone && isAnswerNext && part === parts[0] && ttft !== undefined && ttfa !== undefined) {
      return ttfa - ttft;
    }
    if (part.startMs === null || part.endMs === null) return null;
    const end = parts[parts.indexOf(part) + 1]?.startMs ?? part.endMs;
    return (end - part.startMs) / 1000;
  }
}

/** -1 if the part is no call's. */
function callOf({ channel }: Part): number {
  return channel.startsWith("tool:") ? Number(channel.slice(5)) : -1;
}

/** Text may come at any moment: not while people or functions are at it. */
function isFlowing(state: State): boolean {
  return isActive(state) && state !== "asking" && state !== "calling";
}

/** Colours a code block once the highlighter is here; without one it stays as it is. */
async function highlight(session: Session, code: HTMLElement, language: string): Promise<void> {
  try {
    const module = await session.assets.get<Highlighter>("highlight");
    module.default(code, language);
  } catch {
    // Plain code reads well.
  }
}

interface Highlighter {
  default(code: HTMLElement, language: string): void;
}
