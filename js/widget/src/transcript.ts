import { assertNever } from "./assert-never.ts";
import { Bars } from "./bars.ts";
import type {
  Budget,
  CallState,
  Channel,
  Delta,
  Metrics,
  RunMessage,
  Snapshot,
  State,
} from "./messages.ts";
import { isActive } from "./messages.ts";

/** A batch spans less than this (ms): the kernel sends one every 40. */
const BATCH = 100;

/** A run of pieces of one channel: one block on the page. */
export interface Part {
  readonly channel: Channel;
  /** Arrival of its first and newest token, ms since the request; null if it came by snapshot. */
  startMs: number | null;
  endMs: number | null;
}

export interface Piece {
  readonly part: Part;
  readonly text: string;
  /** Its arrival, ms since the request; null if it came by snapshot. */
  readonly ms: number | null;
}

type Numbered<T> = T & { readonly seq: number };

/**
 * All that a run has told the page so far. No DOM, no clock, no I/O: time is a parameter.
 *
 * Pieces are only ever appended, so a view keeps its place as an index into `pieces`; `revision` changes in
 * the one case where that is not so (a snapshot that contradicts the text we have), and the view starts over.
 *
 * `#seq` is the last message up to which nothing is missing. After a gap it stands still, so every later
 * message is seen as a jump, until a snapshot closes the gap. Text is taken in a gap too as long as it begins
 * where ours ends: the offset proves that only a status can have been lost.
 */
export class Transcript {
  readonly parts: Part[] = [];
  readonly pieces: Piece[] = [];
  revision = 0;
  state: State = "connecting";
  note = "";
  metrics: Metrics = {};
  progress: { readonly processed: number; readonly total: number } | null = null;
  /** By number. What is told anew is a new object: a view knows by that what it has shown. */
  readonly calls = new Map<number, Numbered<CallState>>();
  spent: Numbered<Budget> | null = null;
  /** UTF-16 units of text that are whole from the start. */
  have = 0;
  /** The first and the newest delta's token count and arrival (ms since the request). */
  first: { readonly n: number; readonly ms: number; readonly at: number } | null = null;
  newest: { readonly n: number; readonly ms: number } | null = null;
  /** Gaps between the tokens this page saw come. */
  readonly bars = new Bars();
  missing = false;
  #seq = 0;
  #stateSeq = -1;
  #sentAt: number | null = null;
  #stateSince: number;

  constructor(now: number) {
    this.#stateSince = now;
  }

  /** "missing": a message was lost; ask for a snapshot from `have` on. `now`: ms on any steady clock. */
  apply(message: RunMessage, now: number): "applied" | "ignored" | "missing" {
    if (message.seq <= this.#seq) return "ignored";
    if (message.seq > this.#seq + 1) this.missing = true;
    this.#take(message, now);
    if (!this.missing) this.#seq = message.seq;
    return this.missing ? "missing" : "applied";
  }

  /** Starts from the `snapshot` trait, whatever its number: 0 if nothing had been sent when it was taken. */
  restore(snapshot: Snapshot, now: number): void {
    this.#takeSnapshot(snapshot, now);
  }

  get text(): string {
    return this.pieces.map((piece) => piece.text).join("");
  }

  /**
   * Seconds since the request was sent, null while unknown. Before there is a request (a model being loaded, a
   * connection being made) it counts from the beginning of that state.
   */
  elapsed(now: number): number | null {
    if (!isActive(this.state)) return this.metrics.total ?? null;
    if (this.#sentAt !== null) return Math.max(0, now - this.#sentAt) / 1000;
    const early = this.state === "loading" || this.state === "connecting";
    return early ? (now - this.#stateSince) / 1000 : null;
  }

  #take(message: RunMessage, now: number): void {
    switch (message.kind) {
      case "delta":
        this.#takeDelta(message, now);
        break;
      case "status":
        this.#stand(message, now);
        break;
      case "progress":
        if (message.seq > this.#stateSeq) {
          this.progress = { processed: message.processed, total: message.total };
        }
        break;
      case "call":
        this.#takeCall(message);
        break;
      case "spent":
        this.#takeSpent(message);
        break;
      case "snapshot":
        this.#takeSnapshot(message, now);
        break;
      default:
        assertNever(message);
    }
  }

  #takeCall(told: Numbered<CallState>): void {
    if (told.seq > (this.calls.get(told.call)?.seq ?? -1)) this.calls.set(told.call, told);
  }

  #takeSpent(told: Numbered<Budget>): void {
    if (told.seq > (this.spent?.seq ?? -1)) this.spent = told;
  }

  #takeDelta(delta: Delta, now: number): void {
    const { seq, at, n, ms, channel } = delta;
    if (this.newest === null || n >= this.newest.n) {
      if (this.newest !== null && n > this.newest.n) this.bars.add(gap(this.newest, delta));
      this.newest = { n, ms };
    }
    // The status that says "streaming" may be lost or late; the text itself says it as well.
    const early = isActive(this.state) && this.state !== "stopping" && channel !== "turn";
    if (early && seq > this.#stateSeq) this.#enter("streaming", now);
    if (at > this.have) {
      this.missing = true;
      return;
    }
    const text = delta.text.slice(this.have - at);
    if (text === "") return;
    // Another request has a pace of its own.
    if (channel === "turn") this.first = null;
    else this.first ??= { n, ms, at };
    this.#append(channel, text, ms);
  }

  #takeSnapshot(snapshot: Snapshot, now: number): void {
    const { seq, calls, spent } = snapshot;
    this.#stand(snapshot, now);
    for (const call of calls) this.#takeCall({ ...call, seq });
    if (spent) this.#takeSpent({ ...spent, seq });
    if (snapshot.at > this.have) {
      this.missing = true;
      return;
    }
    const theirs = runs(snapshot.parts);
    const ours = runs(this.#tail(snapshot.at));
    if (!isPrefix(ours, theirs)) {
      this.#cut(snapshot.at);
      ours.length = 0;
    }
    for (const [index, [channel, text]] of theirs.entries()) {
      const rest = text.slice(ours[index]?.[1].length ?? 0);
      if (rest !== "") this.#append(channel, rest, null);
    }
    this.#seq = seq;
    this.missing = false;
  }

  #stand(status: Pick<Snapshot, "seq" | "state" | "metrics" | "note">, now: number): void {
    if (status.seq <= this.#stateSeq) return;
    this.#stateSeq = status.seq;
    this.metrics = { ...this.metrics, ...status.metrics };
    this.note = status.note;
    this.#enter(status.state, now);
    const { elapsed } = status.metrics;
    if (elapsed === undefined) return;
    // Each message was on its way for a while; the fastest of them knows the start best.
    this.#sentAt = Math.min(this.#sentAt ?? Number.POSITIVE_INFINITY, now - elapsed * 1000);
  }

  #enter(state: State, now: number): void {
    if (state !== this.state) this.#stateSince = now;
    this.state = state;
  }

  #append(channel: Channel, text: string, ms: number | null): void {
    let part = this.parts.at(-1);
    if (part?.channel !== channel) {
      part = { channel, startMs: null, endMs: null };
      this.parts.push(part);
    }
    if (ms !== null) {
      part.startMs ??= ms;
      part.endMs = ms;
    }
    this.pieces.push({ part, text, ms });
    this.have += text.length;
  }

  #tail(at: number): (readonly [Channel, string])[] {
    let offset = 0;
    return this.pieces.flatMap(({ part, text }) => {
      const rest = text.slice(Math.max(0, at - offset));
      offset += text.length;
      return rest === "" ? [] : [[part.channel, rest] as const];
    });
  }

  #cut(at: number): void {
    const kept = this.pieces.splice(0);
    this.parts.length = 0;
    this.have = 0;
    this.revision++;
    for (const { part, text, ms } of kept) {
      const head = text.slice(0, Math.max(0, at - this.have));
      if (head === "") return;
      this.#append(part.channel, head, ms);
    }
  }
}

/**
 * Gap (ms) that stands for those of one batch. A batch leaves at most 40 ms after its first token, so what is
 * longer was silence before it; else its tokens share the time.
 */
function gap(before: { n: number; ms: number }, { n, ms }: Delta): number {
  const span = ms - before.ms;
  return span > BATCH ? span - BATCH / 2 : span / (n - before.n);
}

/** Joins neighbours of one channel: where a piece was cut says nothing. */
function runs(parts: readonly (readonly [Channel, string])[]): [Channel, string][] {
  const joined: [Channel, string[]][] = [];
  for (const [channel, text] of parts) {
    if (text === "") continue;
    const last = joined.at(-1);
    if (last?.[0] === channel) last[1].push(text);
    else joined.push([channel, [text]]);
  }
  return joined.map(([channel, texts]) => [channel, texts.join("")]);
}

function isPrefix(ours: [Channel, string][], theirs: [Channel, string][]): boolean {
  return ours.every(([channel, text], index) => {
    const their = theirs[index];
    if (their?.[0] !== channel) return false;
    return index < ours.length - 1 ? their[1] === text : their[1].startsWith(text);
  });
}
