import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { heal } from "../../src/markdown/heal.ts";
import { MarkdownView } from "../../src/markdown/markdown-view.ts";

const ANSWER = readFileSync("test/markdown/answer.md", "utf8");

/** Text as it is seen, without code. */
function seen(node: Element): string {
  const copy = node.cloneNode(true) as Element;
  for (const code of copy.querySelectorAll("code, .ipyllm-code")) code.remove();
  return copy.textContent ?? "";
}

test("raw markers are seen in at most 2 % of an answer's moments", () => {
  const view = new MarkdownView("");
  const raw: string[] = [];
  let moments = 0;
  for (let at = 0; at < ANSWER.length; at += 4) {
    view.append(ANSWER.slice(at, at + 4));
    view.paint();
    moments++;
    const text = seen(view.node).replace("2 * 3", "").replace("2 *", "").replace("snake_case", "");
    const found = /\*|`|~|\]\(|\[|^#|\|| _|_ |snake_$/m.exec(text);
    if (found) raw.push(`${JSON.stringify(ANSWER.slice(at - 20, at + 4))}: ${found[0]}`);
  }
  expect(raw.length / moments, raw.join("\n")).toBeLessThanOrEqual(0.02);
});

test.each([
  ["a **b", "a **b**"],
  ["a **b*", "a **b**"],
  ["a `b", "a `b`"],
  ["a [b](http://c", "a b"],
  ["a [b", "a b"],
  ["x\n\n#", "x\n\n"],
  ["x\n\n- ", "x\n\n"],
  ["x\n\n| a | b |\n|--", "x\n\n"],
  ["2 * 3", "2 * 3"],
  ["```\n**a", "```\n**a"],
])("%j is shown as %j", (source, shown) => {
  expect(heal(source)).toBe(shown);
});
