import { assertNever } from "./assert-never.ts";
import { Calls } from "./calls.ts";
import { copyText } from "./clipboard.ts";
import { Fold } from "./fold.ts";
import { follow } from "./follow.ts";
import type { MarkdownHooks } from "./markdown/markdown-view.ts";
import { isActive } from "./messages.ts";
import { Panel } from "./panel.ts";
import { Prose } from "./prose.ts";
import { readout } from "./readout.ts";
import type { Session } from "./session.ts";
import { Strip } from "./strip.ts";
import type { Part } from "./transcript.ts";

/** The strip's numbers change at most this often (ms): at 60 Hz they cannot be read. */
const TICK = 100;

type Block = { readonly part: Part; readonly view: Prose | Fold | Calls };

/**
 * One view of a session: blocks above, the strip below. It keeps nothing but its place in the transcript, so a
 * second view, opened mid-stream, shows everything.
 *
 * Writes happen in `paint()` alone, once a frame. In a hidden tab no frame comes: the session goes on
 * gathering, and the one frame that was asked for paints it all when the tab is seen again.
 */
export class Answer {
  readonly node = document.createElement("div");
  readonly #session: Session;
  readonly #body = document.createElement("div");
  readonly #strip: Strip;
  readonly #panel: Panel;
  readonly #hooks: MarkdownHooks;
  readonly #status = document.createElement("div");
  readonly #unsubscribe: () => void;
  readonly #blocks: Block[] = [];
  #cursor = 0;
  #revision = 0;
  #frame: number | null = null;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #stripAt = Number.NEGATIVE_INFINITY;
  #shown = "";
  #raw = false;

  constructor(session: Session) {
    this.#session = session;
    this.#panel = new Panel(() => session.askTiming());
    this.#hooks = {
      highlight: (code, language) => void highlight(session, code, language),
      typeset: (block) => session.typeset(block),
    };
    this.#strip = new Strip(
      {
        stop: () => session.stop.press(),
        copy: () => copyText(this.#source((part) => part.channel === "text")),
        raw: () => this.#toggleRaw(),
        timing: () => this.#toggleTiming(),
      },
      this.#panel.node.id,
    );
    this.node.className = "ipyllm";
    this.node.setAttribute("role", "group");
    this.#body.className = "ipyllm-body";
    this.#status.className = "ipyllm-status";
    this.#status.setAttribute("role", "status");
    this.node.append(this.#body, this.#strip.node, this.#panel.node, this.#status);
    this.#unsubscribe = session.subscribe(() => this.#request());
    this.paint();
  }

  dispose(): void {
    this.#unsubscribe();
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  paint(): void {
    this.#frame = null;
    const { state } = this.#session.transcript;
    const keepInSight = follow(this.#strip.node);
    this.#paintBody();
    this.#paintStrip();
    this.#panel.paint(this.#session.timing, isActive(state), this.#session.clock());
    keepInSight();
    this.#keepTicking();
  }

  #toggleRaw(): void {
    this.#raw = !this.#raw;
    for (const { part, view } of this.#blocks) if (view instanceof Prose) this.#show(part, view);
    this.#paintSwitches();
  }

  #toggleTiming(): void {
    this.#panel.toggle();
    this.#paintSwitches();
    this.#request();
  }

  #paintSwitches(): void {
    this.#strip.paintSwitches(this.#raw, !this.#panel.node.hidden);
  }

  #show(part: Part, view: Prose): void {
    view.show(this.#raw ? this.#source((each) => each === part) : null);
  }

  /** The text of some parts, as far as it was painted. */
  #source(wanted: (part: Part) => boolean): string {
    const pieces = this.#session.transcript.pieces.slice(0, this.#cursor);
    return pieces.map(({ part, text }) => (wanted(part) ? text : "")).join("");
  }

  #request(): void {
    this.#frame ??= requestAnimationFrame(() => this.paint());
  }

  #paintBody(): void {
    const { transcript } = this.#session;
    if (transcript.revision !== this.#revision) this.#restart();
    const before = this.#blocks.length;
    for (const { part, text } of this.#news()) this.#block(part).view.append(text);
    const streaming = isActive(transcript.state);
    for (const [index, { part, view }] of this.#blocks.entries()) {
      const open = streaming && index === this.#blocks.length - 1;
      if (view instanceof Fold) view.paint(open, this.#thinking(part));
      // Those before the one that was last have been painted for good.
      else if (index >= before - 1) view.paint(open);
    }
  }

  /** What came since the last frame, joined per block: one write each. */
  #news(): { part: Part; text: string }[] {
    const pieces = this.#session.transcript.pieces.slice(this.#cursor);
    this.#cursor += pieces.length;
    const texts = new Map<Part, string[]>();
    for (const { part, text } of pieces) {
      const gathered = texts.get(part);
      if (gathered) gathered.push(text);
      else texts.set(part, [text]);
    }
    return [...texts].map(([part, fragments]) => ({ part, text: fragments.join("") }));
  }

  #block(part: Part): Block {
    const last = this.#blocks.at(-1);
    if (last?.part === part) return last;
    const view = this.#view(part);
    const block = { part, view };
    this.#blocks.push(block);
    this.#body.append(view.node);
    return block;
  }

  #view(part: Part): Block["view"] {
    switch (part.channel) {
      case "reasoning":
        return new Fold(this.#blocks.length === 0);
      case "tool":
        return new Calls();
      case "text":
      case "refusal": {
        const prose = new Prose(part.channel, this.#hooks);
        if (this.#raw) prose.show("");
        return prose;
      }
      default:
        return assertNever(part.channel);
    }
  }

  #restart(): void {
    this.#revision = this.#session.transcript.revision;
    this.#cursor = 0;
    this.#blocks.length = 0;
    this.#body.replaceChildren();
  }

  /** Seconds from the part's first token to the next part's; null if it came by snapshot. */
  #thinking(part: Part): number | null {
    const { parts, metrics } = this.#session.transcript;
    const { ttft, ttfa } = metrics;
    const alone = parts.filter(({ channel }) => channel === "reasoning").length === 1;
    if (alone && part === parts[0] && ttft !== undefined && ttfa !== undefined) return ttfa - ttft;
    if (part.startMs === null || part.endMs === null) return null;
    const end = parts[parts.indexOf(part) + 1]?.startMs ?? part.endMs;
    return (end - part.startMs) / 1000;
  }

  #paintStrip(): void {
    const { transcript, heardAt, stop, title } = this.#session;
    const now = this.#session.clock();
    const standing = `${transcript.state} ${stop.state} ${transcript.revision}`;
    const due = now - this.#stripAt >= TICK - 5 || standing !== this.#shown;
    if (isActive(transcript.state) && !due) return;
    this.#stripAt = now;
    this.#shown = standing;
    const said = readout(transcript, { now, heardAt, stop });
    this.#strip.paint(title, said, transcript.bars);
    this.node.setAttribute("aria-label", `answer by ${title}`);
    if (this.#status.textContent !== said.announcement) {
      this.#status.textContent = said.announcement;
    }
  }

  #keepTicking(): void {
    if (!isActive(this.#session.transcript.state)) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    } else this.#ticker ??= setInterval(() => this.#request(), TICK);
  }
}

/** Colours a code block once the highlighter is here; without one it stays as it is. */
async function highlight(session: Session, code: HTMLElement, language: string): Promise<void> {
  try {
    const module = await session.assets.get("highlight");
    if (isHighlighter(module)) module.default(code, language);
  } catch {
    // Plain code reads well.
  }
}

function isHighlighter(
  module: unknown,
): module is { default(code: HTMLElement, language: string): void } {
  return (
    typeof module === "object" &&
    module !== null &&
    "default" in module &&
    typeof module.default === "function"
  );
}
