import { expect, test, vi } from "vitest";
import { isReadable, snapshot, text, title } from "../src/answers/saved-json.ts";
import show from "../src/answers/views.ts";
import ORDERS from "./saved-parts.json" with { type: "json" };

const JSON_ = {
  version: 1,
  model: "llamacpp/mock",
  state: "done",
  note: "",
  finish_reason: "stop",
  reasoning: "Hm.",
  timing: { ttft: 0.25, ttfa: 1.25, total: 3, decode_rate: 12.3, tokens: 1234, estimated: false },
  gaps_ms: Array.from({ length: 40 }, () => 30),
};
const PANEL = `<details style="padding:5px"><summary>llamacpp/mock <span>Timing</span></summary>
<table style="width:100%"><tr><td style="color:red">answer</td><td>2.75 s</td></tr></table></details>`;

function shown(json: object, answer = "It is **so**.", html = `<div><p>x</p>${PANEL}</div>`) {
  const typeset = vi.fn();
  const view = show({ json: json as never, text: answer, html }, typeset);
  document.body.append(view.node);
  return { view, typeset, node: view.node };
}

test.each([
  [JSON_, true],
  [{ ...JSON_, version: 2 }, false],
  [{ version: 1 }, false],
  [null, false],
  ["{}", false],
  [[], false],
])("%j is readable: %s", (json, expected) => {
  expect(isReadable(json)).toBe(expected);
});

test("a notebook's file may hold text as lines", () => {
  expect(text(["a\n", "b"])).toBe("a\nb");
  expect(text("a")).toBe("a");
  expect(text(undefined)).toBe("");
});

test("the label is for people, the model's name stands for it", () => {
  expect(title({ model: "m" })).toBe("m");
  expect(title({ model: "m", label: "M" })).toBe("M");
});

test("without parts: reasoning, answer, calls", () => {
  const calls = [{ name: "f", arguments: '{"a":1}', state: "done", result: "2", seconds: 0.1 }];
  const all = snapshot({ ...JSON_, tool_calls: calls }, "Yes.");
  expect(all.parts).toEqual([
    ["reasoning", "Hm."],
    ["text", "Yes."],
    ["tool:0", 'f\n{"a":1}'],
  ]);
  expect(all.calls).toEqual([
    { call: 0, state: "done", error: undefined, seconds: 0.1, text: "2" },
  ]);
});

test("parts say the order, with places in the answer and the reasoning", () => {
  const parts = [
    ["text", 0, 3],
    ["tool", 0],
    ["turn", "2 tools 0.1234"],
    ["reasoning", 0, 2],
    ["text", 5, 3],
    ["value", "[1]"],
  ];
  const json = { ...JSON_, tool_calls: [{ name: "f", arguments: "" }], parts };
  expect(snapshot(json, "One\n\nTwo").parts).toEqual([
    ["text", "One"],
    ["tool:0", "f\n"],
    ["turn", "2 tools 0.1234"],
    ["reasoning", "Hm"],
    ["text", "Two"],
    ["value", "[1]"],
  ]);
});

// tests/widget/test_saved_parts.py writes what is read here.
test.each(ORDERS)("the kernel's order is read back: $name", ({ transcript, answer, parts }) => {
  const all = (channel: RegExp) => transcript.filter(([name]) => channel.test(name ?? ""));
  const calls = new Map(all(/^tool:/).map(([name, text]) => [name, text?.split("\n") ?? []]));
  const json = {
    ...JSON_,
    reasoning: all(/^reasoning$/)
      .map(([, text]) => text)
      .join(""),
    tool_calls: [...calls.values()].map(([name, rest]) => ({ name, arguments: rest })),
    ...(parts && { parts }),
  };
  expect(snapshot(json, answer).parts).toEqual(transcript);
});

test("how full the context is, is a meter", async () => {
  const timing = { ...JSON_.timing, context_used: 1234, context_window: 4096 };
  const { node, view } = shown({ ...JSON_, timing });
  const meter = node.querySelector<HTMLElement>("[role=meter]");
  expect(meter?.hidden).toBe(false);
  expect(meter?.getAttribute("aria-label")).toBe("context");
  expect(meter?.getAttribute("aria-valuetext")).toBe("1,234 of 4,096 tokens of context");
  expect(node.textContent).toContain("1,234 of 4,096 tokens of context");
  view.dispose();
});

test.each([
  {},
  { context_used: 5 },
  { context_used: "5", context_window: 9 },
  { context_used: 5, context_window: 0 },
])("without both numbers there is none: %j", (some) => {
  const { node, view } = shown({ ...JSON_, timing: { ...JSON_.timing, ...some } });
  expect(node.querySelector<HTMLElement>("[role=meter]")?.hidden).toBe(true);
  view.dispose();
});

test.each([
  [{ parts: [1, [], [null], ["text"], ["text", "a", 1], ["tool", 9], ["tool", "x"]] }],
  [{ parts: { text: 1 } }],
  [{ tool_calls: [null, 1, {}] }],
  [{ timing: [], gaps_ms: "x", note: 1, reasoning: 5 }],
  [{ state: "elsewhere", timing: { ttft: "soon", total: null } }],
])("what is wrong in the JSON does no harm: %j", (wrong) => {
  const { node, view } = shown({ ...JSON_, ...wrong });
  expect(node.querySelector(".ipyllm-strip")).not.toBeNull();
  view.dispose();
});

test("the answer, its numbers and its bars are there at once", () => {
  const { node, view } = shown(JSON_);
  expect(node.querySelector("strong")?.textContent).toBe("so");
  expect(node.querySelector("summary")?.textContent).toBe("thought for 1.0 s");
  expect(node.textContent).toContain("first token 250 ms");
  expect(node.textContent).toContain("1,234 tok");
  expect(node.querySelector(".ipyllm-spark path")?.getAttribute("d")).toContain("M1 16v-");
  expect(node.querySelector<HTMLElement>(".ipyllm-stop")?.hidden).toBe(true);
  view.dispose();
});

test("a typed answer is a table, a call a card with its result", () => {
  const json = {
    ...JSON_,
    tool_calls: [{ name: "f", arguments: '{"city":"B"}', state: "done", result: "**sun**" }],
    parts: [
      ["tool", 0],
      ["value", '[{"a":1},{"a":2}]'],
    ],
  };
  const { node, view } = shown(json, "");
  expect(node.querySelector(".ipyllm-card b")?.textContent).toBe("f");
  expect(node.querySelector(".ipyllm-result strong")?.textContent).toBe("sun");
  expect(
    node.querySelectorAll(".ipyllm-typed tbody tr, .ipyllm-typed [role=row]").length,
  ).toBeGreaterThan(1);
  view.dispose();
});

test("formulas are handed to the typesetter", () => {
  const { typeset, view } = shown(JSON_, "So $x^2$.");
  expect(typeset).toHaveBeenCalledTimes(1);
  view.dispose();
});

test("the Timing panel is the saved one's", async () => {
  const { node, view } = shown(JSON_);
  const button = [...node.querySelectorAll("button")].find((each) =>
    each.textContent?.startsWith("Timing"),
  );
  button?.click();
  await vi.waitFor(() => {
    expect(node.querySelector(".ipyllm-panel td")?.textContent).toBe("answer");
  });
  view.dispose();
});
