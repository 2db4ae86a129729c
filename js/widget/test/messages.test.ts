import { expect, test } from "vitest";
import { isActive, parseMessage } from "../src/messages.ts";

test.each([
  [
    "a delta has no kind",
    { seq: 3, at: 7, n: 2, ms: 312, text: "a" },
    { kind: "delta", seq: 3, at: 7, n: 2, ms: 312, channel: "text", text: "a" },
  ],
  [
    "reasoning",
    { seq: 1, at: 0, n: 1, ms: 9, reasoning: "Hm" },
    { kind: "delta", seq: 1, at: 0, n: 1, ms: 9, channel: "reasoning", text: "Hm" },
  ],
  [
    "tool",
    { seq: 1, at: 0, n: 1, ms: 9, tool: "f()" },
    { kind: "delta", seq: 1, at: 0, n: 1, ms: 9, channel: "tool", text: "f()" },
  ],
  ["an ack", { kind: "ack" }, { kind: "ack" }],
  [
    "progress",
    { seq: 2, kind: "progress", processed: 763, total: 1230 },
    { seq: 2, kind: "progress", processed: 763, total: 1230 },
  ],
  [
    "unknown metrics stay out of the way",
    {
      seq: 2,
      kind: "status",
      state: "done",
      metrics: { ttft: 0.3, total: null, rate: Number.NaN, estimated: true },
      note: null,
    },
    { seq: 2, kind: "status", state: "done", metrics: { ttft: 0.3, estimated: true }, note: "" },
  ],
  [
    "a broken part is left out",
    {
      seq: 2,
      kind: "snapshot",
      at: 0,
      parts: [["text", "a"], ["video", "b"], 3],
      state: "done",
      metrics: {},
      note: "",
    },
    {
      seq: 2,
      kind: "snapshot",
      at: 0,
      parts: [["text", "a"]],
      state: "done",
      metrics: {},
      note: "",
    },
  ],
  ["a kind we do not know yet", { seq: 2, kind: "weather" }, null],
  ["an empty trait", {}, null],
  ["no object", "hello", null],
  ["null", null, null],
])("%s", (_, content, expected) => {
  expect(parseMessage(content)).toEqual(expected);
});

test("five states are the end of a run", () => {
  for (const state of ["done", "interrupted", "stopped", "truncated", "error"] as const) {
    expect(isActive(state)).toBe(false);
  }
  for (const state of [
    "loading",
    "connecting",
    "waiting",
    "prefill",
    "streaming",
    "stopping",
  ] as const) {
    expect(isActive(state)).toBe(true);
  }
});
