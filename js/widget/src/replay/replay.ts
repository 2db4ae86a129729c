import type { Body } from "../body.ts";
import { count, latency } from "../format.ts";
import type { Model } from "../host.ts";
import { element } from "../markdown/dom.ts";
import type { Channel, Delta } from "../messages.ts";
import type { Session } from "../session.ts";

/** An answer had `have` UTF-16 units `ms` after its request. */
export interface Step {
  readonly ms: number;
  readonly have: number;
}

/** Of the bundle that loads it: the answer's own views, not copies of them. */
type NewSession = new (model: Model) => Session;
type NewBody = new (session: Session) => Body;

/** `"120:4 155:9"` */
export function readSteps(text: string): Step[] {
  return text.split(" ").flatMap((pair) => {
    const [ms, have] = pair.split(":").map(Number);
    return ms === undefined || !(ms >= 0) || have === undefined || !(have >= 0)
      ? []
      : [{ ms, have }];
  });
}

/** Number of units that were there at `ms`. */
export function haveAt(steps: readonly Step[], ms: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle]?.ms ?? 0) <= ms) low = middle + 1;
    else high = middle;
  }
  return steps[low - 1]?.have ?? 0;
}

/** Puts a slider over time into `slot`: below it the answer as it was then, unfinished Markdown included. */
export default function replay(
  slot: HTMLElement,
  session: Session,
  newSession: NewSession,
  newBody: NewBody,
): void {
  const past = new Past(session, newSession, newBody);
  const slider = new Slider(readSteps(slot.dataset.steps ?? ""), past);
  slot.replaceChildren(slider.node);
}

class Slider {
  readonly node = element("div", "ipyllm-slider");
  readonly #steps: readonly Step[];
  readonly #end: number;
  readonly #play = element("button", "ipyllm-button", "Play");
  readonly #bar = element("input");
  readonly #label = element("span");
  readonly #past: Past;
  #startedAt: number | null = null;

  constructor(steps: readonly Step[], past: Past) {
    this.#steps = steps;
    this.#end = steps.at(-1)?.ms ?? 0;
    this.#past = past;
    this.#play.type = "button";
    this.#play.title = "Play it again, as fast as it came";
    this.#play.addEventListener("click", () => this.#toggle());
    Object.assign(this.#bar, { type: "range", min: "0", step: "1" });
    this.#bar.max = `${this.#end}`;
    this.#bar.setAttribute("aria-label", "time since the request");
    this.#bar.addEventListener("input", () => {
      this.#startedAt = null;
      this.#paint(Number(this.#bar.value));
    });
    this.#bar.value = `${this.#end}`;
    Object.assign(this.node.style, { marginTop: "8px" });
    const line = element("div", "", this.#play, this.#bar, this.#label);
    Object.assign(line.style, { display: "flex", alignItems: "center", gap: "10px" });
    const accent = "var(--jp-brand-color1, #1976d2)";
    Object.assign(this.#bar.style, {
      flex: "1 1 0",
      minWidth: "0",
      margin: "0",
      accentColor: accent,
    });
    Object.assign(this.#label.style, { minWidth: "16em" });
    this.node.append(line, this.#past.node);
    this.#say(this.#end);
  }

  #toggle(): void {
    if (this.#startedAt !== null) {
      this.#startedAt = null;
      this.#say(Number(this.#bar.value));
      return;
    }
    const value = Number(this.#bar.value);
    this.#startedAt = performance.now() - (value >= this.#end ? 0 : value);
    this.#frame();
  }

  #frame(): void {
    if (this.#startedAt === null || !this.node.isConnected) return;
    const now = Math.min(performance.now() - this.#startedAt, this.#end);
    if (now >= this.#end) this.#startedAt = null;
    this.#bar.value = `${now}`;
    this.#paint(now);
    requestAnimationFrame(() => this.#frame());
  }

  #paint(ms: number): void {
    this.#past.show(haveAt(this.#steps, ms));
    this.#say(ms);
  }

  #say(ms: number): void {
    const have = haveAt(this.#steps, ms);
    this.#label.textContent = `${latency(ms / 1000)}, ${count(have)} characters`;
    this.#play.textContent = this.#startedAt === null ? "Play" : "Pause";
  }
}

/** The answer as far as it was there; nothing until it is asked for. Onwards it grows, as it did; backwards it begins anew. */
class Past {
  readonly node = element("div");
  readonly #session: Session;
  readonly #newSession: NewSession;
  readonly #newBody: NewBody;
  #scratch: Session | null = null;
  #body: Body | null = null;
  #have = 0;
  #seq = 0;

  constructor(session: Session, newSession: NewSession, newBody: NewBody) {
    this.#session = session;
    this.#newSession = newSession;
    this.#newBody = newBody;
  }

  show(have: number): void {
    if (have < this.#have || !this.#scratch || !this.#body) this.#restart();
    const { transcript } = this.#scratch as Session;
    for (const { channel, text } of this.#between(this.#have, have)) {
      const delta: Delta = {
        kind: "delta",
        seq: ++this.#seq,
        at: transcript.have,
        n: this.#seq,
        ms: 0,
        channel,
        text,
      };
      transcript.apply(delta, 0);
    }
    this.#have = have;
    if (have >= this.#session.transcript.text.length) transcript.state = "done";
    this.#body?.paint();
  }

  #restart(): void {
    const mute: Model = { get: () => undefined, send() {}, on() {}, off() {} };
    const scratch = new this.#newSession(mute);
    scratch.dispose(); // it waits for nothing
    scratch.structure = this.#session.structure;
    scratch.transcript.state = "streaming";
    this.#scratch = scratch;
    this.#body = new this.#newBody(scratch);
    this.#have = this.#seq = 0;
    this.node.replaceChildren(this.#body.node);
  }

  *#between(from: number, to: number): Generator<{ channel: Channel; text: string }> {
    let at = 0;
    for (const { part, text } of this.#session.transcript.pieces) {
      const [start, end] = [Math.max(from - at, 0), Math.min(to - at, text.length)];
      if (start < end) yield { channel: part.channel, text: text.slice(start, end) };
      at += text.length;
      if (at >= to) return;
    }
  }
}
