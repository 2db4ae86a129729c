import { expect, test, vi } from "vitest";
import { typeset } from "../src/typesetting.ts";
import { FakeModel } from "./kernel.ts";

test("MathJax begins with a formula nobody sees, in a task of its own", async () => {
  vi.useFakeTimers();
  const seen: string[] = [];
  const latexTypesetter = {
    typeset: (node: HTMLElement) => void seen.push(node.textContent ?? ""),
  };
  const model = new FakeModel({}, { _rendermime: { latexTypesetter } });
  const block = document.createElement("p");
  block.textContent = "$a^2$";
  typeset(model, block);
  expect(seen).toEqual([]);
  await vi.runAllTimersAsync();
  expect(seen).toEqual(["$x$", "$a^2$"]);
  typeset(model, block);
  await vi.runAllTimersAsync();
  expect(seen).toEqual(["$x$", "$a^2$", "$a^2$"]);
});

test("without a typesetter formulas stay as they are", () => {
  const block = document.createElement("p");
  typeset(new FakeModel(), block);
  expect(vi.getTimerCount()).toBe(0);
});
