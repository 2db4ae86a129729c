import fc from "fast-check";
import { expect, test } from "vitest";
import { JsonReader, MAX_DEPTH } from "../../src/structure/json-reader.ts";
import { cut, Recorder } from "./read.ts";

function read(pieces: readonly string[]): Recorder {
  const recorder = new Recorder();
  const reader = new JsonReader(recorder);
  for (const piece of pieces) reader.append(piece);
  return recorder;
}

const CASES: readonly [string, string][] = [
  [
    "a member of each kind",
    '{"s": "x", "n": -1.5e+3, "t": true, "f": false, "z": null, "o": {}, "l": []}',
  ],
  ["escapes", String.raw`{"a": "\"\\\/\b\f\n\r\té\ud83d\ude00\u00e9"}`],
  ["lone surrogates", String.raw`["\ud800", "\udc00x"]`],
  ["names with escapes", String.raw`{"\u0061\n": 1, "": 2}`],
  ["a name twice", '{"a": 1, "a": {"b": 2}}'],
  ["names of Object.prototype", '{"__proto__": 1, "constructor": 2}'],
  ["lists in lists", "[[], [[1, 2], []], 0, -0, 0.0]"],
  ["white space", ' \n{ "a" :\t[ 1 , 2 ]\r\n} '],
];

test.each(CASES)("%s is read as JSON.parse reads it, whole and by character", (_, text) => {
  for (const pieces of [[text], [...text], text.split("")]) {
    const recorder = read(pieces);
    expect(recorder.value).toEqual(JSON.parse(text));
    expect([recorder.depth, recorder.rest]).toEqual([0, ""]);
  }
});

const BROKEN: readonly [string, string, string][] = [
  ["a comma before a brace", '{"a": 1, }', "}"],
  ["a word that is none", '{"a": nil}', "nil}"],
  ["a name without quotes", "{a: 1}", "a: 1}"],
  ["no colon", '{"a" 1}', '"a"1}'],
  ["a second value", "{} {}", "{}"],
  ["a zero before a digit", "[01]", "1]"],
  ["half a number", "[1.]", "]"],
  ["an escape that is none", String.raw`["\x"]`, String.raw`\x"]`],
  ["an escape that is none, in a name", String.raw`{"n\x": 1}`, String.raw`"n\x": 1}`],
  ["the wrong bracket", "[1}", "}"],
  ["no JSON", "I cannot", "I cannot"],
  ["too deep", "[".repeat(MAX_DEPTH + 2), "[["],
];

test.each(BROKEN)("%s: the rest is shown as it is", (_, text, rest) => {
  for (const pieces of [[text], text.split("")]) expect(read(pieces).rest).toBe(rest);
});

test("line breaks and tabs may stand in strings", () => {
  expect(read(['["a\n\tb"]']).value).toEqual(["a\n\tb"]);
});

test("law: what JSON.stringify writes is read back, however it was cut", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.array(fc.nat()), fc.nat(2), (value, places, indent) => {
      const list = [value];
      const text = JSON.stringify(list, null, indent);
      expect(read(cut(text, places)).value).toEqual(JSON.parse(text));
    }),
  );
});

const junk = fc.array(
  fc.constantFrom(...'{}[]",:\\ueE+-.01 tfn', '"a":', "true", "null", "\\u00e9", "\ud800"),
);

test("law: nothing throws, and any cut says the same", () => {
  fc.assert(
    fc.property(junk, fc.array(fc.nat()), (parts, places) => {
      const text = parts.join("");
      const [whole, pieces] = [read([text]), read(cut(text, places))];
      expect([pieces.value, pieces.rest, pieces.depth]).toEqual([
        whole.value,
        whole.rest,
        whole.depth,
      ]);
    }),
    { numRuns: 500 },
  );
});
