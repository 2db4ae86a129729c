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
    "a call has its number in the channel",
    { seq: 1, at: 0, n: 1, ms: 9, "tool:12": "f\n{" },
    { kind: "delta", seq: 1, at: 0, n: 1, ms: 9, channel: "tool:12", text: "f\n{" },
  ],
  [
    "a structured answer",
    { seq: 1, at: 0, n: 1, ms: 9, value: "{" },
    { kind: "delta", seq: 1, at: 0, n: 1, ms: 9, channel: "value", text: "{" },
  ],
  ["a call without a number", { seq: 1, at: 0, n: 1, ms: 9, tool: "f()" }, null],
  [
    "how far a call is",
    { seq: 4, kind: "call", call: 1, state: "done", text: "12", error: "", seconds: 0.1 },
    { seq: 4, kind: "call", call: 1, state: "done", text: "12", error: "", seconds: 0.1 },
  ],
  [
    "how far a call is, of which little is known",
    { seq: 4, kind: "call", call: 1, state: "asking", seconds: null },
    { seq: 4, kind: "call", call: 1, state: "asking", text: "", error: "", seconds: null },
  ],
  ["a call in a state we do not know yet", { seq: 4, kind: "call", call: 1, state: "lost" }, null],
  [
    "the budget",
    { seq: 4, kind: "spent", share: 0.76, text: "380 of 500 tokens", estimated: true },
    { seq: 4, kind: "spent", share: 0.76, text: "380 of 500 tokens", estimated: true },
  ],
  [
    "why a value is not valid",
    {
      seq: 2,
      kind: "status",
      state: "error",
      metrics: { total: 2, invalid: { path: ["rows", 3, "name", null], message: "no text" } },
      note: "",
    },
    {
      seq: 2,
      kind: "status",
      state: "error",
      metrics: { total: 2, invalid: { path: ["rows", 3, "name"], message: "no text" } },
      note: "",
    },
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
      parts: [["text", "a"], ["video", "b"], 3, ["tool:0", "f\n"]],
      state: "done",
      metrics: {},
      note: "",
      calls: [{ call: 0, state: "running", text: "", error: "", seconds: null }, { call: 1 }, 7],
      spent: { share: 1, text: "all", estimated: false },
    },
    {
      seq: 2,
      kind: "snapshot",
      at: 0,
      parts: [
        ["text", "a"],
        ["tool:0", "f\n"],
      ],
      state: "done",
      metrics: {},
      note: "",
      calls: [{ call: 0, state: "running", text: "", error: "", seconds: null }],
      spent: { share: 1, text: "all", estimated: false },
    },
  ],
  [
    "a snapshot without calls and budget",
    { seq: 2, kind: "snapshot", at: 0, parts: [], state: "done", metrics: {}, note: "" },
    {
      seq: 2,
      kind: "snapshot",
      at: 0,
      parts: [],
      state: "done",
      metrics: {},
      note: "",
      calls: [],
      spent: null,
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
    "asking",
    "calling",
    "stopping",
  ] as const) {
    expect(isActive(state)).toBe(true);
  }
});
