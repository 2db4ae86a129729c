import { assertNever } from "./assert-never.ts";
import { count, duration, latency, rate } from "./format.ts";
import type { Budget, State } from "./messages.ts";
import { isActive } from "./messages.ts";
import type { Stop } from "./stop.ts";
import type { Transcript } from "./transcript.ts";

/** Silence (s) after which we say so. Below 5 s many providers pause between thought and answer. */
const SILENCE = 5;

/** A rate from less than this (ms) is noise: the first tokens often come in one packet. */
const RATE_SPAN = 150;

export type Tone = "active" | "done" | "warn" | "error";

/** The status line in words; "" where there is nothing to say. Pure, so that its texts can be tested as a table. */
export interface Readout {
  tone: Tone;
  /** What goes on before the first token, or how it ended. */
  phase: string;
  progress: { fraction: number; text: string } | null;
  load: string;
  ttft: string;
  ttfa: string;
  rate: string;
  tokens: string;
  elapsed: string;
  budget: Budget | null;
  /** Said at the right: silence, and what Stop is doing. */
  aside: string;
  /** The aside is something to worry about. */
  worried: boolean;
  button: "stop" | "stopping" | "none";
  /** For screen readers: changes with the state, never with a token. */
  announcement: string;
}

export interface Moment {
  readonly now: number;
  readonly heardAt: number;
  readonly stop: Pick<Stop, "state" | "hint">;
}

export function readout(transcript: Transcript, moment: Moment): Readout {
  const { state, metrics, note } = transcript;
  const active = isActive(state);
  const pressed = moment.stop.state === "asked" || moment.stop.state === "acked";
  const stopping = active && (pressed || state === "stopping");
  const silent = Math.floor((moment.now - moment.heardAt) / 1000);
  const waits = state === "asking" || state === "calling";
  const stalled = active && !waits && silent >= SILENCE;
  const hint = active ? moment.stop.hint : "";
  const elapsed = transcript.elapsed(moment.now);
  const said = {
    tone: tone(state),
    phase: note || phase(state),
    progress: state === "prefill" ? progress(transcript) : null,
    aside: hint || (stopping ? "stopping…" : stalled ? `no data for ${silence(silent)}` : ""),
    worried: hint !== "" || (stalled && !stopping),
    button: !active ? "none" : stopping ? "stopping" : "stop",
    announcement: announcement(transcript, stopping),
  } as const;
  // A run that went wrong has one thing to say; numbers beside it would hide it.
  const quiet =
    said.tone === "error" || (note !== "" && (state === "interrupted" || state === "stopped"));
  if (quiet) return { ...said, ...NO_NUMBERS };
  const guess = metrics.estimated ? "~" : "";
  const pace = speed(transcript);
  const total = tokens(transcript);
  return {
    ...said,
    load: optional(metrics.load ?? null, duration),
    ttft: optional(firstToken(transcript), latency),
    ttfa: optional(firstOfAnswer(transcript), latency),
    rate: pace === null ? "" : guess + rate(pace),
    tokens: total === 0 ? "" : guess + count(total),
    elapsed: optional(elapsed, duration),
    budget: transcript.spent,
  };
}

const NO_NUMBERS = {
  load: "",
  ttft: "",
  ttfa: "",
  rate: "",
  tokens: "",
  elapsed: "",
  budget: null,
} as const;

function tone(state: State): Tone {
  if (isActive(state)) return "active";
  if (state === "done") return "done";
  return state === "error" ? "error" : "warn";
}

function phase(state: State): string {
  switch (state) {
    case "loading":
      return "loading the model";
    case "connecting":
      return "connecting";
    case "waiting":
      return "waiting for the first token";
    case "prefill":
      return "reading the prompt";
    case "asking":
      return "approve?";
    case "calling":
      return "running tools";
    case "streaming":
    case "stopping":
    case "done":
      return "";
    case "interrupted":
      return "interrupted";
    case "stopped":
      return "stopped";
    case "truncated":
      return "cut off at the token limit";
    case "error":
      return "failed";
    default:
      return assertNever(state);
  }
}

function announcement(transcript: Transcript, stopping: boolean): string {
  const { state, note, metrics } = transcript;
  if (stopping) return "stopping";
  if (state === "streaming") return "answering";
  if (state !== "done") return [phase(state), note].filter(Boolean).join(": ");
  const size = `${count(tokens(transcript))} tokens`;
  return `answer complete: ${size}${metrics.total === undefined ? "" : ` in ${duration(metrics.total)}`}`;
}

function progress(transcript: Transcript): Readout["progress"] {
  if (transcript.progress === null || transcript.progress.total <= 0) return null;
  const { processed, total } = transcript.progress;
  const fraction = Math.min(1, Math.max(0, processed / total));
  return { fraction, text: `${count(processed)} of ${count(total)} tokens` };
}

function firstToken(transcript: Transcript): number | null {
  const { first, metrics } = transcript;
  // A view that was opened mid-stream has not seen the first token.
  return metrics.ttft ?? (first?.at === 0 ? first.ms / 1000 : null);
}

/** Only if it is not the first token: after reasoning or a tool call. */
function firstOfAnswer({ metrics: { ttft, ttfa } }: Transcript): number | null {
  return ttfa !== undefined && ttft !== undefined && ttfa - ttft > 0.05 ? ttfa : null;
}

function tokens({ state, metrics, newest }: Transcript): number {
  return isActive(state)
    ? Math.max(metrics.tokens ?? 0, newest?.n ?? 0)
    : (metrics.tokens ?? newest?.n ?? 0);
}

/** Tokens per second after the first token: waiting for that is latency, not pace. */
function speed({ state, metrics, first, newest }: Transcript): number | null {
  if (!isActive(state) && metrics.rate !== undefined) return metrics.rate;
  if (first === null || newest === null) return null;
  const span = newest.ms - first.ms;
  return span < RATE_SPAN ? null : ((newest.n - first.n) * 1000) / span;
}

function optional(value: number | null, format: (value: number) => string): string {
  return value === null ? "" : format(value);
}

/** Whole seconds: a count of silence that shows tenths looks busy. */
function silence(seconds: number): string {
  return seconds < 100 ? `${seconds} s` : duration(seconds);
}
