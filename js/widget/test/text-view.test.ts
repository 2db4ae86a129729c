import fc from "fast-check";
import { expect, test } from "vitest";
import { TextView } from "../src/text-view.ts";

function shown(pieces: string[]): HTMLElement {
  const view = new TextView("ipyllm-text");
  for (const piece of pieces) view.append(piece);
  return view.node;
}

function segments(node: HTMLElement): string[] {
  return [...node.querySelectorAll(".ipyllm-segment")].map((segment) => segment.textContent ?? "");
}

test("the text is cut after 64 lines, and the newline stays with its line", () => {
  const text = "line\n".repeat(150);
  expect(segments(shown([text])).map((segment) => segment.split("\n").length - 1)).toEqual([
    64, 64, 22,
  ]);
});

test("long lines are cut at the first newline after 4 KB", () => {
  const line = `${"x".repeat(3000)}\n`;
  expect(segments(shown([line.repeat(3)]))).toEqual([line + line, line]);
});

test("a line without an end is never cut", () => {
  expect(segments(shown(["x".repeat(5000), "y".repeat(5000)]))).toHaveLength(1);
});

test("32 segments make a section", () => {
  const node = shown(["line\n".repeat(64 * 70)]);
  expect([...node.children].map((section) => section.childElementCount)).toEqual([32, 32, 6]);
});

test("a finished segment is never touched again", () => {
  const view = new TextView("ipyllm-text");
  view.append("line\n".repeat(64));
  const first = view.node.querySelector(".ipyllm-segment")?.firstChild;
  view.append("more\n".repeat(200));
  expect(view.node.querySelector(".ipyllm-segment")?.firstChild).toBe(first);
  expect(first?.textContent).toBe("line\n".repeat(64));
});

test("no empty segment is opened before there is text for it", () => {
  expect(segments(shown(["line\n".repeat(64)]))).toHaveLength(1);
  expect(shown([]).childElementCount).toBe(0);
});

const prose = fc.array(
  fc.oneof(
    fc.constant("\n"),
    fc.string(),
    fc.constant("word ".repeat(300)),
    fc.constant("l\n".repeat(40)),
  ),
);

test("law: the node's text is the text, exactly, however it was cut", () => {
  fc.assert(
    fc.property(prose, (pieces) => {
      expect(shown(pieces).textContent).toBe(pieces.join(""));
    }),
  );
});

test("law: any cut of the text gives the same segments", () => {
  fc.assert(
    fc.property(prose, (pieces) => {
      expect(segments(shown(pieces))).toEqual(segments(shown([pieces.join("")])));
    }),
  );
});

test("law: no segment but the last ends without a newline", () => {
  fc.assert(
    fc.property(prose, (pieces) => {
      for (const segment of segments(shown(pieces)).slice(0, -1))
        expect(segment.endsWith("\n")).toBe(true);
    }),
  );
});
