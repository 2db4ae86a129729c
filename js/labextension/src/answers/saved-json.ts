/** What `application/vnd.ipyllm.v1+json` holds (src/ipyllm/widget/static_html.py), and the one seam where it is read. */

import { count } from "../../../widget/src/format.ts";

export const JSON_TYPE = "application/vnd.ipyllm.v1+json";
const VERSION = 1;

type Json = Readonly<Record<string, unknown>>;

/** Whether we know how to show it; a newer version may mean something else by the same words. */
export function isReadable(json: unknown): json is Json {
  return isRecord(json) && json.version === VERSION && typeof json.state === "string";
}

/** A string of a MIME bundle, which a notebook's file may hold as lines. */
export function text(value: unknown): string {
  if (Array.isArray(value)) return value.filter((line) => typeof line === "string").join("");
  return typeof value === "string" ? value : "";
}

/** As the kernel's `snapshot` message has it; what is wrong in it `parseMessage` drops. */
export function snapshot(json: Json, answer: string): Json {
  const { state, note, tool_calls, timing, invalid } = json;
  const { decode_rate, ...numbers } = isRecord(timing) ? timing : {};
  const calls = records(tool_calls);
  return {
    kind: "snapshot",
    seq: 0,
    at: 0,
    parts: parts(json, calls, answer),
    state,
    note,
    metrics: { ...numbers, rate: decode_rate, ...(isRecord(invalid) && { invalid }) },
    calls: calls.map(({ state, result, error, seconds }, call) => ({
      ...{ call, state, error, seconds },
      text: result,
    })),
    spent: context(numbers),
  };
}

/** How full the model's context is, for the strip's one meter: a saved answer has no budget any more. */
function context({ context_used: used, context_window: window }: Json): Json | null {
  if (typeof used !== "number" || typeof window !== "number" || !(window > 0)) return null;
  return { share: used / window, text: `${count(used)} of ${count(window)} tokens of context` };
}

/** Milliseconds between tokens. */
export function gaps({ gaps_ms }: Json): number[] {
  return Array.isArray(gaps_ms) ? gaps_ms.filter((gap) => typeof gap === "number") : [];
}

export function title({ label, model }: Json): string {
  return text(label) || text(model);
}

/**
 * The transcript in order of arrival. Without `parts` in the JSON it is the usual order. A part is `[channel, text]`,
 * or `[channel, at, length]` of the answer's text or of the reasoning, in UTF-16 units; of calls, `["tool", number]`.
 */
function parts(json: Json, calls: readonly Json[], answer: string): [string, string][] {
  const reasoning = text(json.reasoning);
  if (!Array.isArray(json.parts)) {
    const all: [string, string][] = [
      ["reasoning", reasoning],
      ["text", answer],
    ];
    return [...all.filter(([, part]) => part !== ""), ...calls.map(call)];
  }
  return json.parts.flatMap((part: unknown): [string, string][] => {
    if (!Array.isArray(part)) return [];
    const [channel, at, length]: unknown[] = part;
    if (channel === "tool" && typeof at === "number") {
      const made = calls[at];
      return made ? [call(made, at)] : [];
    }
    if (typeof channel !== "string") return [];
    if (typeof at === "string") return [[channel, at]];
    if (typeof at !== "number" || typeof length !== "number") return [];
    const source = channel === "reasoning" ? reasoning : answer;
    return [[channel, source.slice(at, at + length)]];
  });
}

function call({ name, arguments: json }: Json, number: number): [string, string] {
  return [`tool:${number}`, `${text(name)}\n${text(json)}`];
}

function records(items: unknown): Json[] {
  return Array.isArray(items) ? items.filter(isRecord) : [];
}

function isRecord(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
