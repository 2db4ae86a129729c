import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MarkdownView } from "../../src/markdown/markdown-view.ts";
import { html, oneShot, streamed } from "./canonical.ts";
import { DOCUMENTS } from "./documents.ts";

describe.each(Object.entries(DOCUMENTS))("%s", (_name, source) => {
  test.each([1, 5, 7, 64])(
    "in pieces of %i is what it is at once",
    (size) => {
      expect(streamed(source, size)).toBe(oneShot(source));
    },
    60_000,
  );
});

test("what a head looked like before it was whole is not left below its table", () => {
  const view = new MarkdownView("", {}, () => 0);
  for (const letter of "a b~~~\\| a | b |\n|---|---|\n") {
    view.append(letter);
    view.paint();
  }
  expect(html(view.node)).toBe(
    "<table><thead><tr><th>a b~~~| a</th><th>b</th></tr></thead></table>",
  );
});

const MORSELS = [
  ..."a b|x|\n|\n\n|- |* |1. |2) |> |    |  |\t|# |```|~~~|---|===|$$|$|\\[|\\]|\\(|\\)".split("|"),
  ...[
    "|",
    "|-|",
    "| a | b |\n|---|---|\n",
    "| c |\n",
    "[x]",
    "[x]: /u",
    "[a\nb]",
    "]:",
    "[",
    "(",
    ")",
  ],
  ...[
    "`",
    "**",
    "_",
    "<b>",
    "\r",
    "\r\n",
    "!",
    "\\",
    "&amp;",
    "🙂",
    "~~",
    "'t'",
    ":",
    "\0",
    "- a\n",
    "1. b\n",
  ],
];

test("any morsels of Markdown, in pieces of any size, are what they are at once", () => {
  const sources = fc
    .array(fc.constantFrom(...MORSELS), { maxLength: 40 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(sources, fc.integer({ min: 1, max: 9 }), (source, size) => {
      expect(streamed(source, size)).toBe(oneShot(source));
    }),
    { numRuns: 1500 },
  );
}, 60_000);
