import { expect, test, vi } from "vitest";
import * as grammar from "../../src/markdown/grammar.ts";
import { MarkdownView } from "../../src/markdown/markdown-view.ts";
import { html, oneShot } from "./canonical.ts";

vi.mock("../../src/markdown/grammar.ts", { spy: true });

const UNITS_PER_MS = 200;

/** Streams it with a flush every 40 ms, on a clock by which only parsing takes time; gives the ms of both. */
function streamed(source: string): { parsing: number; waiting: number; shown: string } {
  const { calls } = vi.mocked(grammar.blocks).mock;
  calls.length = 0;
  let [parsing, waiting] = [0, 0];
  const now = () => {
    for (const [text] of calls.splice(0)) parsing += text.length / UNITS_PER_MS;
    return parsing + waiting;
  };
  const view = new MarkdownView("", {}, now);
  for (let at = 0; at < source.length; at += 64) {
    view.append(source.slice(at, at + 64));
    view.paint();
    waiting += 40;
  }
  now();
  view.finish();
  return { parsing, waiting, shown: html(view.node) };
}

test.each([
  ["an item of many items", `- outer\n${"  - inner item, *one* of many\n".repeat(600)}`],
  ["a quote", `> ${"many *words* of another\n> ".repeat(600)}`],
  ["definitions", `text\n\n${Array.from({ length: 800 }, (_, i) => `[a${i}]: /u${i}\n`).join("")}`],
  ["indented code", "    const a = 1;\n\n".repeat(1000)],
])("%s is parsed so rarely that the page is free three quarters of the time", (_, source) => {
  const { parsing, waiting, shown } = streamed(source);
  expect(parsing / (parsing + waiting)).toBeLessThan(0.25);
  expect(shown).toBe(oneShot(source));
});
