import fc from "fast-check";
import { expect, test } from "vitest";
import { Calls } from "../src/calls.ts";

const TEXT = 'get_weather({"city": "Berlin)"})\nnow()\nadd({"a": [1, 2]';

function shown(calls: Calls): (string | null | undefined)[][] {
  return [...calls.node.children].map((card) => [
    card.querySelector("b")?.textContent,
    card.querySelector(".ipyllm-arguments")?.textContent,
  ]);
}

test("calls cut anywhere are the same cards", () => {
  const cut = fc.array(fc.nat(TEXT.length), { maxLength: 8 });
  fc.assert(
    fc.property(cut, (cuts) => {
      const calls = new Calls();
      const at = [0, ...cuts.toSorted((a, b) => a - b), TEXT.length];
      for (const [index, from] of at.entries()) calls.append(TEXT.slice(from, at[index + 1]));
      expect(shown(calls)).toEqual([
        ["get_weather", '{"city": "Berlin)"}'],
        ["now", ""],
        ["add", '{"a": [1, 2]'],
      ]);
    }),
  );
});

test("the caret is on the call that is open, and on no other", () => {
  const calls = new Calls();
  calls.append("f({");
  calls.paint(true);
  calls.append("})\ng(");
  calls.paint(true);
  expect([...calls.node.children].map((card) => card.className)).toEqual([
    "ipyllm-call",
    "ipyllm-call ipyllm-caret",
  ]);
  calls.append(")\n");
  calls.paint(true);
  expect(calls.node.querySelector(".ipyllm-caret")).toBeNull();
});

test("of long arguments the line has the beginning", () => {
  const calls = new Calls();
  calls.append(`f(${"x".repeat(5000)}`);
  expect(calls.node.querySelector("summary > span")?.textContent).toHaveLength(400);
  expect(calls.node.querySelector(".ipyllm-arguments")?.textContent).toHaveLength(5000);
});
