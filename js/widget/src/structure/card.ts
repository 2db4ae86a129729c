import { latency } from "../format.ts";
import { element } from "../markdown/dom.ts";
import { button } from "./button.ts";
import { Compact, seen } from "./compact.ts";
import { JsonReader } from "./json-reader.ts";
import { TreeView } from "./tree-view.ts";

/** UTF-16 units of the arguments that stand in a card's line; more than fit any. */
const SHORT = 400;

export type CardPhase =
  | "arguments"
  | "asking"
  | "running"
  | "done"
  | "failed"
  | "refused"
  | "interrupted"
  | "skipped";

export interface CardState {
  readonly state: CardPhase;
  /** What the function gave: text, or Markdown's source. */
  readonly result?: string;
  /** A traceback. */
  readonly error?: string;
  readonly seconds?: number;
  /** Of questions and answers; the first is 1. */
  readonly round?: number;
}

export interface CardHooks {
  approve(call: number, yes: boolean): void;
  /** Renders what a function gave; must be safe. */
  markdown(source: string): Node;
}

/** As widget/calls.py has them. The running one is a ring, drawn by the style sheet. */
const GLYPHS: Readonly<Record<CardPhase, string>> = {
  arguments: "\u2026",
  asking: "?",
  running: "",
  done: "\u2713",
  failed: "\u2715",
  refused: "\u2298",
  interrupted: "\u25a0",
  skipped: "\u2013",
};
/** Read out, and shown where the glyph alone may not be understood. */
const WORDS: Readonly<Record<CardPhase, string>> = {
  arguments: "writing arguments",
  asking: "waiting for you",
  running: "running",
  done: "done",
  failed: "failed",
  refused: "refused",
  interrupted: "interrupted",
  skipped: "skipped",
};
const UNSAID: ReadonlySet<CardPhase> = new Set(["arguments", "running", "done"]);

/** One call: a line that says which and how it stands; its arguments and what came of it inside. */
export class Card {
  readonly node = element("details", "ipyllm-card");
  readonly #call: number;
  readonly #hooks: CardHooks;
  readonly #glyph = element("span", "ipyllm-glyph");
  readonly #name = element("b", "");
  readonly #short = element("span", "ipyllm-short");
  readonly #note = element("span", "ipyllm-note");
  readonly #wrong = element("span", "ipyllm-wrong");
  readonly #summary: HTMLElement;
  readonly #tree = new TreeView();
  readonly #preview = new Preview();
  readonly #body = element("div", "ipyllm-card-body", this.#tree.node);
  #question: Question | null = null;
  #result: string | null = null;
  #error: string | null = null;
  #title: string | null = "";
  #phase: CardPhase = "arguments";
  #touched = false;

  constructor(call: number, hooks: CardHooks) {
    this.#call = call;
    this.#hooks = hooks;
    this.#glyph.setAttribute("aria-hidden", "true");
    this.#short.append(this.#preview.node);
    this.#wrong.hidden = true;
    const line = element("span", "ipyllm-card-line", this.#glyph, this.#name, this.#short);
    line.append(this.#note);
    this.#summary = element("summary", "", line, this.#wrong);
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    this.#summary.dataset.lmSuppressShortcuts = "true";
    this.#summary.addEventListener("click", () => {
      this.#touched = true;
    });
    this.node.setAttribute("role", "group");
    this.node.append(this.#summary, this.#body);
    this.enter({ state: "arguments" });
  }

  append(text: string, ms: number | null): void {
    const json = this.#takeName(text);
    if (!json) return;
    this.#tree.append(json, ms);
    this.#preview.append(json);
    this.#question?.say(this.#asked);
  }

  enter(state: CardState): void {
    this.#phase = state.state;
    this.node.dataset.state = state.state;
    this.#glyph.textContent = GLYPHS[state.state];
    this.#note.textContent = noted(state);
    this.#paintLabel();
    this.#ask(state.state === "asking");
    if (state.result !== undefined) this.#showResult(state.result);
    if (state.error !== undefined) this.#showError(state.error);
  }

  paint(flowing: boolean): void {
    const isWriting = flowing && this.#phase === "arguments";
    this.#short.classList.toggle("ipyllm-here", isWriting);
    this.#tree.paint(isWriting);
  }

  /** The first line is the function's name; gives what is after it. */
  #takeName(text: string): string {
    if (this.#title === null) return text;
    const end = text.indexOf("\n");
    this.#title += end < 0 ? text : text.slice(0, end);
    this.#name.textContent = seen(this.#title);
    if (end < 0) return "";
    this.#title = null;
    this.#paintLabel();
    return text.slice(end + 1);
  }

  #paintLabel(): void {
    this.node.setAttribute(
      "aria-label",
      `tool call ${this.#name.textContent}, ${WORDS[this.#phase]}`,
    );
  }

  /** Asks, with the card open, and folds it again when that is over; whoever clicks decides. */
  #ask(isAsking: boolean): void {
    if (isAsking === (this.#question !== null)) return;
    if (isAsking) {
      this.#question = new Question((yes) => this.#hooks.approve(this.#call, yes));
      this.#question.say(this.#asked);
      this.#tree.node.after(this.#question.node);
    } else this.#endQuestion();
    if (!this.#touched) this.node.open = isAsking;
  }

  get #asked(): string {
    return `${this.#name.textContent}(${this.#preview.text})`;
  }

  #endQuestion(): void {
    const node = this.#question?.node;
    if (node?.contains(document.activeElement)) this.#summary.focus({ preventScroll: true });
    node?.remove();
    this.#question = null;
  }

  #showResult(source: string): void {
    if (source === this.#result) return;
    this.#result = source;
    const box = element("div", "ipyllm-result", this.#hooks.markdown(source));
    // Scrolled by the arrow keys.
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "result");
    box.dataset.lmSuppressShortcuts = "true";
    this.#put(box);
  }

  #showError(traceback: string): void {
    if (traceback === this.#error) return;
    this.#error = traceback;
    const text = traceback.trimEnd();
    this.#wrong.textContent = text.slice(text.lastIndexOf("\n") + 1);
    this.#wrong.hidden = text === "";
    if (!text.includes("\n")) return;
    const summary = element("summary", "", "Traceback");
    summary.dataset.lmSuppressShortcuts = "true";
    this.#put(element("details", "ipyllm-traceback", summary, element("pre", "", text)));
  }

  #put(node: HTMLElement): void {
    this.#body.querySelector(`:scope > .${node.className}`)?.remove();
    this.#body.append(node);
  }
}

/** "Run get_weather(city="Berlin")?", and two buttons for it. */
class Question {
  readonly node: HTMLElement;
  readonly #said = element("span", "ipyllm-said");
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #answer: (yes: boolean) => void;
  readonly #text = element("code", "");
  #isAnswered = false;

  constructor(answer: (yes: boolean) => void) {
    this.#answer = answer;
    this.#said.setAttribute("role", "status");
    const yes = button("Approve", () => this.#press(true));
    yes.classList.add("ipyllm-approve");
    this.#buttons = [yes, button("Refuse", () => this.#press(false))];
    const text = element("span", "ipyllm-ask-text", "Run ", this.#text, "?");
    const row = element("span", "ipyllm-ask-buttons", ...this.#buttons, this.#said);
    this.node = element("div", "ipyllm-ask", text, row);
    this.node.setAttribute("role", "group");
  }

  say(call: string): void {
    this.#text.textContent = call;
    this.node.setAttribute("aria-label", `Run ${call}?`);
  }

  #press(yes: boolean): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    // Not `disabled`, which would throw the keyboard's place away.
    for (const each of this.#buttons) each.setAttribute("aria-disabled", "true");
    this.#said.textContent = yes ? "approving\u2026" : "refusing\u2026";
    this.#answer(yes);
  }
}

/** The beginning of the arguments, in one line. */
class Preview {
  readonly node = document.createTextNode("");
  readonly #reader = new JsonReader(new Compact((text) => this.#take(text), true));

  get text(): string {
    return this.node.data;
  }

  append(json: string): void {
    if (this.node.length < SHORT) this.#reader.append(json);
  }

  #take(text: string): void {
    const room = SHORT - this.node.length;
    if (room > 0) this.node.appendData(text.length > room ? `${text.slice(0, room)}\u2026` : text);
  }
}

/** "round 2 · refused", "18 ms". */
function noted({ state, seconds, round }: CardState): string {
  const words = [
    round !== undefined && round > 1 ? `round ${round}` : "",
    UNSAID.has(state) ? "" : WORDS[state],
    seconds === undefined ? "" : latency(seconds),
  ];
  return words.filter(Boolean).join(" \u00b7 ");
}
