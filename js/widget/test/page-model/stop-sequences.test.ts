import fc from "fast-check";
import { expect, test } from "vitest";
import { StopSequences } from "../../src/page-model/stop-sequences.ts";

function stopped(stops: string[], pieces: string[]): [string, string | null] {
  const found = new StopSequences(stops);
  const text = pieces.map((piece) => found.feed(piece)).join("");
  return [text + found.rest(), found.found];
}

test.each([
  [["bcd", "c"], "abcd", "ab", "c"],
  [["ENDING", "END"], "xENDING", "x", "END"],
  [["aab"], "aaab", "a", "aab"],
  [["", "b"], "ab", "a", "b"],
])("%j in %s", (stops, text, before, sequence) => {
  expect(stopped(stops, [text])).toEqual([before, sequence]);
});

test("however the text is cut, it ends at the same place", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
  const sequences = fc.array(
    fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 }),
    {
      maxLength: 3,
    },
  );
  fc.assert(
    fc.property(letters, sequences, fc.nat(12), (text, stops, cut) => {
      const whole = stopped(stops, [text]);
      expect(stopped(stops, [...text])).toEqual(whole);
      expect(stopped(stops, [text.slice(0, cut), text.slice(cut)])).toEqual(whole);
    }),
  );
});
