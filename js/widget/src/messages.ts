/**
 * The messages between kernel and page (`msg:custom` content), and the one seam where JSON becomes a type.
 *
 * Every message of a run has `seq`: 1, 2, 3, ...; an answer to a request (`ack`, `timing`, `asset`) has none.
 * Offsets (`at`, `have`) count UTF-16 units in the whole transcript: all channels, joined in order of arrival.
 */

/**
 * `value`: a structured answer's JSON. `tool:N`: call N of the whole answer, its function's name, a newline, and
 * its arguments as JSON. `turn`: another request of the same answer begins; see turn.ts.
 */
export type Channel = "text" | "reasoning" | "refusal" | "value" | "turn" | `tool:${number}`;

const CHANNEL = /^(text|reasoning|refusal|value|turn|tool:\d+)$/;

const ENDED = ["done", "interrupted", "stopped", "truncated", "error"] as const;
/** `asking`: a call waits to be approved. `calling`: functions run. */
const ACTIVE = [
  "loading",
  "connecting",
  "waiting",
  "prefill",
  "streaming",
  "asking",
  "calling",
  "stopping",
] as const;

export type State = (typeof ENDED)[number] | (typeof ACTIVE)[number];

const CALLED = [
  "asking",
  "running",
  "done",
  "failed",
  "refused",
  "interrupted",
  "skipped",
] as const;

/** How far call number `call` is, and what it gave. */
export interface CallState {
  readonly call: number;
  readonly state: (typeof CALLED)[number];
  /** The result, as Markdown; "" if there is none. */
  readonly text: string;
  /** A traceback, or "". */
  readonly error: string;
  readonly seconds: number | null;
}

/** How much of the budget is taken. */
export interface Budget {
  /** 0 to 1. */
  readonly share: number;
  /** "380 of 500 tokens" */
  readonly text: string;
  readonly estimated: boolean;
}

/** The place in a structured answer that is not what was asked for, and why. */
export interface Violation {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Seconds, tokens, and tokens per second (`rate`). A key that is missing says nothing new. */
export interface Metrics {
  /** Time the embedded model took to load; not part of the others. */
  readonly load?: number;
  /** From request to first token, of any channel. */
  readonly ttft?: number;
  /** From request to the answer's first token. */
  readonly ttfa?: number;
  readonly total?: number;
  readonly rate?: number;
  readonly tokens?: number;
  /** `tokens` is counted by us, not told by the provider. */
  readonly estimated?: boolean;
  readonly input_tokens?: number;
  readonly invalid?: Violation;
  /** Since the request was sent, at the time of sending this message. */
  readonly elapsed?: number;
}

/** More text. It has no `kind`: it is the one message sent 30 times a second. */
export interface Delta {
  readonly kind: "delta";
  readonly seq: number;
  readonly at: number;
  /** Output tokens so far. */
  readonly n: number;
  /** Arrival of the newest token, ms since the request was sent. */
  readonly ms: number;
  readonly channel: Channel;
  readonly text: string;
}

export interface Status {
  readonly kind: "status";
  readonly seq: number;
  readonly state: State;
  readonly metrics: Metrics;
  readonly note: string;
}

/** Prompt tokens read so far. */
export interface Progress {
  readonly kind: "progress";
  readonly seq: number;
  readonly processed: number;
  readonly total: number;
}

export interface Call extends CallState {
  readonly kind: "call";
  readonly seq: number;
}

export interface Spent extends Budget {
  readonly kind: "spent";
  readonly seq: number;
}

/** Replaces everything from `at` on, and the status with it. */
export interface Snapshot {
  readonly kind: "snapshot";
  readonly seq: number;
  readonly at: number;
  readonly parts: readonly (readonly [Channel, string])[];
  readonly state: State;
  readonly metrics: Metrics;
  readonly note: string;
  readonly calls: readonly CallState[];
  readonly spent: Budget | null;
}

export interface Ack {
  readonly kind: "ack";
}

/** What the Timing panel shows, made by the same code as the static output's. */
export interface TimingPanel {
  readonly kind: "timing";
  readonly html: string;
}

/** Source of a module that is loaded only where it is needed; "" if the kernel has none of that name. */
export interface Asset {
  readonly kind: "asset";
  readonly name: string;
  readonly code: string;
}

/** For the page's own model: page-model/browser.ts reads the rest. */
export interface Bridged {
  readonly kind: "browser";
}

export type RunMessage = Delta | Status | Progress | Call | Spent | Snapshot;
export type Message = RunMessage | Ack | TimingPanel | Asset | Bridged;

/** Page to kernel. `have`: the offset up to which our text is whole. */
export type Request =
  | { kind: "resync"; have: number }
  | { kind: "stop" }
  | { kind: "timing" }
  | { kind: "approve"; call: number; yes: boolean }
  | { kind: "asset"; name: string };

export function isActive(state: State): boolean {
  return !ENDED.some((ended) => ended === state);
}

/** The message in `content`; null if it is none of ours (a newer kernel side may say more than we know). */
export function parseMessage(content: unknown): Message | null {
  if (!isRecord(content)) return null;
  if (content.kind === "ack") return { kind: "ack" };
  const seq = number(content.seq);
  switch (content.kind) {
    case undefined:
      return parseDelta(seq, content);
    case "status":
      return { kind: "status", seq, ...standing(content) };
    case "progress":
      return {
        kind: "progress",
        seq,
        processed: number(content.processed),
        total: number(content.total),
      };
    case "timing":
      return { kind: "timing", html: string(content.html) };
    case "browser":
      return content as unknown as Bridged;
    case "asset":
      return { kind: "asset", name: string(content.name), code: string(content.code) };
    case "call": {
      const call = parseCall(content);
      return call && { kind: "call", seq, ...call };
    }
    case "spent":
      return { kind: "spent", seq, ...parseBudget(content) };
    case "snapshot":
      return {
        kind: "snapshot",
        seq,
        at: number(content.at),
        parts: list(content.parts, parsePart),
        ...standing(content),
        calls: list(content.calls, parseCall),
        spent: isRecord(content.spent) ? parseBudget(content.spent) : null,
      };
    default:
      return null;
  }
}

function parseDelta(seq: number, content: Record<string, unknown>): Delta | null {
  for (const [channel, text] of Object.entries(content)) {
    if (!isChannel(channel) || typeof text !== "string") continue;
    const [at, n, ms] = [number(content.at), number(content.n), number(content.ms)];
    return { kind: "delta", seq, at, n, ms, channel, text };
  }
  return null;
}

/** What `parse` makes of each item; without those it makes nothing of. */
function list<T>(items: unknown, parse: (item: unknown) => T | null): T[] {
  return Array.isArray(items) ? items.map(parse).filter((item) => item !== null) : [];
}

function parsePart(part: unknown): readonly [Channel, string] | null {
  return Array.isArray(part) && isChannel(part[0]) && typeof part[1] === "string"
    ? [part[0], part[1]]
    : null;
}

function parseCall(content: unknown): CallState | null {
  if (!isRecord(content)) return null;
  const state = CALLED.find((each) => each === content.state);
  if (!state) return null;
  const { call, text, error, seconds } = content;
  return {
    call: number(call),
    state,
    text: string(text),
    error: string(error),
    seconds: typeof seconds === "number" ? seconds : null,
  };
}

function parseBudget({ share, text, estimated }: Record<string, unknown>): Budget {
  return { share: number(share), text: string(text), estimated: estimated === true };
}

function standing(content: Record<string, unknown>): Pick<Status, "state" | "metrics" | "note"> {
  const { state, metrics, note } = content;
  return {
    state: isState(state) ? state : "waiting",
    metrics: isRecord(metrics) ? parseMetrics(metrics) : {},
    note: string(note),
  };
}

/** Keeps the finite numbers: Python's None and NaN arrive as null. */
function parseMetrics({ invalid, ...metrics }: Record<string, unknown>): Metrics {
  return {
    ...Object.fromEntries(
      Object.entries(metrics).filter(
        ([, value]) => Number.isFinite(value) || typeof value === "boolean",
      ),
    ),
    ...(isRecord(invalid)
      ? { invalid: { path: list(invalid.path, parseKey), message: string(invalid.message) } }
      : {}),
  };
}

function parseKey(key: unknown): string | number | null {
  return typeof key === "string" || typeof key === "number" ? key : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isChannel(value: unknown): value is Channel {
  return typeof value === "string" && CHANNEL.test(value);
}

function isState(value: unknown): value is State {
  return [...ACTIVE, ...ENDED].some((state) => state === value);
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}
