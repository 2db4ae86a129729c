import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { CardPhase } from "../../src/structure/structure.ts";
import structure from "../../src/structure/structure.ts";
import { cut } from "./read.ts";

type View = ReturnType<typeof structure.calls>;

const approve = vi.fn();

function calls(...texts: string[]): View {
  approve.mockReset();
  const markdown = (source: string) => document.createTextNode(source);
  const view = structure.calls({ approve, markdown });
  for (const [call, text] of texts.entries()) view.append(call, text, 100);
  view.paint(true);
  return view;
}

function card(view: View, at = 0): HTMLDetailsElement {
  const found = view.node.children[at];
  if (!(found instanceof HTMLDetailsElement)) throw new Error(`no card ${at}`);
  return found;
}

function text(view: View, selector: string): string[] {
  return [...view.node.querySelectorAll(selector)].map((node) => node.textContent ?? "");
}

const WEATHER = 'get_weather\n{"city": "Berlin", "days": [1, {"a": null}]}';

test("law: a call cut anywhere is the same card", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (places) => {
      const view = calls();
      for (const piece of cut(WEATHER, places)) view.append(0, piece, 100);
      view.paint(false);
      const whole = calls(WEATHER);
      whole.paint(false);
      expect(view.node.outerHTML).toBe(whole.node.outerHTML);
    }),
  );
});

test("the line has the name and the arguments as one would write them", () => {
  const view = calls(WEATHER, "now\n{}", "odd\n[1]");
  expect(text(view, "b")).toEqual(["get_weather", "now", "odd"]);
  expect(text(view, ".ipyllm-short")).toEqual(['city="Berlin", days=[1, {"a": null}]', "", "[1]"]);
});

test("calls that come in turns stand by their number", () => {
  const view = calls();
  for (const call of [2, 0, 1]) view.append(call, `f${call}\n{`, 1);
  const first = card(view, 1);
  view.append(0, '"a": 1}', 2);
  expect(text(view, "b")).toEqual(["f0", "f1", "f2"]);
  expect(card(view, 1)).toBe(first);
});

test("only a call whose arguments still come has a caret", () => {
  const view = calls(WEATHER, 'add\n{"a": 1');
  view.state(0, { state: "running" });
  view.paint(true);
  expect(card(view, 0).querySelector(".ipyllm-here")).toBeNull();
  expect(card(view, 1).querySelector(".ipyllm-short.ipyllm-here")).not.toBeNull();
});

test.each<[CardPhase, string]>([
  ["arguments", "writing arguments"],
  ["asking", "waiting for you"],
  ["running", "running"],
  ["done", "done"],
  ["failed", "failed"],
  ["refused", "refused"],
  ["interrupted", "interrupted"],
  ["skipped", "skipped"],
])("a call that is %s says so, not by colour alone", (state, word) => {
  const view = calls(WEATHER);
  view.state(0, { state });
  expect(card(view).dataset.state).toBe(state);
  expect(card(view).getAttribute("role")).toBe("group");
  expect(card(view).getAttribute("aria-label")).toBe(`tool call get_weather, ${word}`);
  const glyph = card(view).querySelector(".ipyllm-glyph");
  expect(glyph?.textContent === "").toBe(state === "running");
});

test("a question opens the card, and is answered once", () => {
  const view = calls(WEATHER);
  expect(card(view).open).toBe(false);
  view.state(0, { state: "asking" });
  expect(card(view).open).toBe(true);
  expect(text(view, ".ipyllm-ask-text")).toEqual([
    'Run get_weather(city="Berlin", days=[1, {"a": null}])?',
  ]);
  const [yes, no] = view.node.querySelectorAll("button");
  expect([yes?.textContent, no?.textContent]).toEqual(["Approve", "Refuse"]);
  yes?.click();
  no?.click();
  yes?.click();
  expect(approve.mock.calls).toEqual([[0, true]]);
  expect(yes?.getAttribute("aria-disabled")).toBe("true");
  expect(text(view, ".ipyllm-said")).toEqual(["approving\u2026"]);
});

test("the question's buttons are the keyboard's, not the notebook's", () => {
  const view = calls(WEATHER);
  view.state(0, { state: "asking" });
  for (const button of view.node.querySelectorAll("button")) {
    expect([button.type, button.tabIndex]).toEqual(["button", 0]);
    expect(button.dataset.lmSuppressShortcuts).toBe("true");
  }
});

test("once it is answered the card folds, and the keyboard is on its line", () => {
  const view = calls(WEATHER);
  document.body.append(view.node);
  view.state(0, { state: "asking" });
  const [, no] = view.node.querySelectorAll("button");
  no?.focus();
  no?.click();
  expect(approve.mock.calls).toEqual([[0, false]]);
  view.state(0, { state: "refused" });
  expect(document.activeElement).toBe(view.node.querySelector("summary"));
  expect(card(view).open).toBe(false);
  expect(view.node.querySelector("button")).toBeNull();
  view.node.remove();
});

test("a card one opened stays open", () => {
  const view = calls(WEATHER);
  const [summary] = view.node.querySelectorAll("summary");
  summary?.dispatchEvent(new Event("click"));
  card(view).open = true;
  view.state(0, { state: "asking" });
  view.state(0, { state: "done", result: "ok" });
  expect(card(view).open).toBe(true);
});

test("what it gave is rendered, with its time and round", () => {
  const view = calls(WEATHER);
  const rows = [...view.node.querySelectorAll(".ipyllm-row")];
  view.state(0, { state: "done", result: "**11.5**", seconds: 0.018, round: 2 });
  view.state(0, { state: "done", result: "**11.5**", seconds: 0.018, round: 2 });
  expect(text(view, ".ipyllm-result")).toEqual(["**11.5**"]);
  expect(text(view, ".ipyllm-note")).toEqual(["round 2 \u00b7 18 ms"]);
  expect([...view.node.querySelectorAll(".ipyllm-row")]).toEqual(rows);
});

test("of a traceback the last line is always seen", () => {
  const view = calls(WEATHER);
  const error = "Traceback (most recent call last):\n  File x\nKeyError: 'Atlantis'\n";
  view.state(0, { state: "failed", error });
  expect(text(view, "summary .ipyllm-wrong")).toEqual(["KeyError: 'Atlantis'"]);
  expect(view.node.querySelector<HTMLDetailsElement>(".ipyllm-traceback")?.open).toBe(false);
  expect(text(view, ".ipyllm-traceback pre")).toEqual([error.trimEnd()]);
});

test("of long arguments the line has the beginning, the tree all", () => {
  const view = calls(JSON.stringify({ code: "x".repeat(5000) }).replace(/^/, "run\n"));
  expect(text(view, ".ipyllm-short")[0]).toHaveLength(401);
  expect(text(view, ".ipyllm-value")[0]).toHaveLength(5000);
});

test("names and arguments of a model are text, and a question hides nothing", () => {
  const evil = '<img src=x onerror="alert(1)">';
  const view = calls(`${evil}\n${JSON.stringify({ [evil]: "a\u202eb\nc" })}`);
  view.state(0, { state: "asking", error: evil });
  expect(view.node.querySelector("img")).toBeNull();
  expect(text(view, ".ipyllm-short")[0]).toContain('="a\\u202eb\\nc"');
});
