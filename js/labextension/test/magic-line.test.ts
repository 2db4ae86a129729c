import { expect, test } from "vitest";
import { isPrompt, isRaw, magicLine } from "../src/cells/magic-line.ts";
import { withModel } from "../src/cells/with-model.ts";

test.each([
  ["%%llm", true],
  ["%%llm -m x\nHello", true],
  ["\n  \n%%llm\nHello", true],
  ["%%llmx", false],
  ["%%llm2 -m x", false],
  ["%llm model", false],
  ["x = 1\n%%llm", false],
  ["", false],
])("%j is a prompt: %s", (source, expected) => {
  expect(isPrompt(source)).toBe(expected);
});

test.each([
  ["%%llm", ["command %%llm"]],
  ["%%llm -m openai/gpt", ["command %%llm", "flag -m", "value openai/gpt"]],
  ['%%llm -s "Be brief, it\'s late"', ["command %%llm", "flag -s", 'value "Be brief, it\'s late"']],
  ["%%llm --schema='list[str]'", ["command %%llm", "flag --schema", "value 'list[str]'"]],
  ["%%llm -p temperature=0", ["command %%llm", "flag -p", "value temperature=0"]],
  ['%%llm -s "open', ["command %%llm", "flag -s", 'value "open']],
  ["%%llm --timeout=\nx", ["command %%llm", "flag --timeout"]],
  ["\n%%llm -5", ["command %%llm", "value -5"]],
])("the words of %j", (source, expected) => {
  const words = magicLine(source)?.words ?? [];
  expect(words.map(({ kind, from, to }) => `${kind} ${source.slice(from, to)}`)).toEqual(expected);
});

test("the line ends where the prompt begins", () => {
  expect(magicLine("%%llm -m x\nHello")?.end).toBe(10);
  expect(magicLine("\n%%llm")?.end).toBe(6);
  expect(magicLine("Hello")).toBeNull();
});

test("--raw is a word of its own", () => {
  expect(isRaw("%%llm --raw")).toBe(true);
  expect(isRaw("%%llm --raw -m x")).toBe(true);
  expect(isRaw("%%llm --rawer")).toBe(false);
});

test.each([
  ["%%llm\nHi", "a/b", "%%llm -m a/b\nHi"],
  ["%%llm -o x\nHi -m no", "a/b", "%%llm -m a/b -o x\nHi -m no"],
  ["%%llm -o x -m old/one -s y\nHi", "a/b", "%%llm -o x -m a/b -s y\nHi"],
  ["%%llm --model=old/one\nHi", "a/b:c", "%%llm -m a/b:c\nHi"],
  ["%%llm -m\nHi", "a/b", "%%llm -m a/b\nHi"],
  ["%%llm", "a b's", "%%llm -m 'a bs'"],
  ["Hi", "a/b", "Hi"],
])("%j with %s", (source, model, expected) => {
  expect(withModel(source, model)).toBe(expected);
});
