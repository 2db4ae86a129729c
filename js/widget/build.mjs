/**
 * Bundles the front end into src/ipyllm/widget/static, or into the folder given as argument:
 *
 *   widget.js        the views, one ESM file with the CSS inside
 *   highlight.js     colours for code, fetched when a block of code needs them
 *   structure.js     typed answers and tool calls, likewise
 *   browser.js       runs the page's own model, likewise
 *   replay.js        a slider over the time of an answer that is over, likewise
 *   race.js          the track above answers that race each other, a widget of its own
 *   loader.js        the small `_esm` each answer carries; it fetches widget.js from the library widget
 *   sources.sha256   what they were built from, so that a Python test can tell a stale bundle
 *
 * The hash is the sha256 over, for each of src/**, build.mjs and package-lock.json in sorted posix order of
 * the path relative to this folder: path utf-8 + b"\0" + content + b"\0". Written as lower-case hex, one line.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../src/ipyllm/widget/static");
// For tests and measurements: another entry point instead, with all that the bundles' own get.
const only = process.argv[3];

const cssAsText = {
  name: "css-as-text",
  setup({ onLoad }) {
    // esbuild's own "text" loader keeps the comments and spaces: 40 % of the sheet.
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/**
 * Throws out of markdown-it what our preset never calls: 42 KB of gzip become 13. It comes as one file, whose
 * parts are marked `//#region src/...`; a part that is not there any more fails the build.
 */
const NONE = "() { return false; }";
const INSTEAD = {
  "src/rules_core/state_core.ts": "",
  "src/rules_core/normalize.ts": "",
  "src/rules_core/block.ts": "",
  "src/rules_core/strip_references.ts": "",
  "src/rules_core/inline.ts": "",
  "src/rules_core/linkify.ts": "",
  "src/rules_core/replacements.ts": "",
  "src/rules_core/smartquotes.ts": "",
  "src/rules_core/text_join.ts": "",
  "src/parser_core.ts": "",
  "src/renderer.ts": "",
  "src/common/html_blocks.ts": "",
  "src/common/html_re.ts": "",
  "src/rules_inline/linkify.ts": `function linkify${NONE}`,
  "src/rules_inline/html_inline.ts": `function html_inline${NONE}`,
  "src/rules_block/html_block.ts": `function html_block${NONE}`,
  "src/ruler.ts": `class Ruler {
    rules = [];
    chains = {};
    push(name, fn, options) { this.insert(this.rules.length, name, fn, options); }
    before(other, name, fn, options) {
      this.insert(this.rules.findIndex((rule) => rule.name === other), name, fn, options);
    }
    insert(at, name, fn, { alt = [] } = {}) {
      if (name === "linkify" || name.startsWith("html_")) return;
      this.rules.splice(at, 0, { name, fn, alt });
      this.chains = {};
    }
    getRules(chain) {
      return (this.chains[chain] ??= this.rules
        .filter(({ alt }) => !chain || alt.includes(chain))
        .map(({ fn }) => fn));
    }
  }`,
  // What grammar.ts asks of it: the preset, whose rules are all that are left, and the parts it calls.
  "src/markdownit.ts": `class MarkdownIt {
    inline = new ParserInline();
    block = new ParserBlock();
    helpers = { parseLinkLabel, parseLinkDestination, parseLinkTitle };
    utils = { unescapeAll };
    options = { html: false, maxNesting: 20 };
    enable() { return this; }
    use(plugin) { plugin(this); return this; }
  }`,
  "src/index.ts": "var MarkdownItCallable = MarkdownIt;",
  "src/helpers/index.ts": "",
};
/** A field each, by a helper of Babel's: 7 % of all CPU. */
const FIELD = /_defineProperty\(\s*this,\s*(?:\/\*[\s\S]*?\*\/\s*)?"(\w+)",\s*([^;]*?)\s*\);/g;
const slimMarkdownIt = {
  name: "slim-markdown-it",
  setup({ onLoad, onResolve }) {
    const slim = (name) => ({ path: join(here, "src/markdown/slim", name) });
    onResolve({ filter: /^entities$/ }, () => slim("entities.ts"));
    onResolve({ filter: /^(linkify-it|punycode\.js)$/ }, () => slim("unused.ts"));
    onResolve({ filter: /^uc\.micro$/ }, ({ importer }) =>
      importer.includes("markdown-it.mjs") ? slim("characters.ts") : undefined,
    );
    onResolve({ filter: /^mdurl$/ }, ({ importer }) =>
      importer.includes("markdown-it.mjs") ? slim("unused.ts") : undefined,
    );
    // Of mdurl only encode and decode are called; parse hangs on a prototype, so esbuild would keep it: 0.7 KB.
    onResolve({ filter: /^\.\/lib\/parse\.mjs$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      sideEffects: false,
    }));
    onLoad({ filter: /markdown-it\.mjs$/ }, ({ path }) => {
      let contents = readFileSync(path, "utf8");
      for (const [region, instead] of Object.entries(INSTEAD)) {
        const from = contents.indexOf(`//#region ${region}\n`);
        const to = contents.indexOf("//#endregion", from);
        if (from < 0 || to < 0) throw new Error(`markdown-it has no ${region}`);
        contents = contents.slice(0, from) + instead + contents.slice(to);
      }
      return { contents: contents.replace(FIELD, "this.$1 = $2;"), loader: "js" };
    });
  },
};

/**
 * Of Prism what tokenizes. The rest would colour every block of code in the page by itself, by HTML of its own,
 * as soon as it is loaded; and its parts meet in a global, which may be the page's own Prism.
 */
const CUTS = [
  ["\t\t\tencode: function", "\t\t\ttype: function", ""],
  ["\t\t\tgetLanguage: function", "\t\tlanguages: {", "},"],
  ["\t\tplugins: {},", "\t\ttokenize: function", ""],
  ["\t\thooks: {", "\t\tToken: Token", "hooks: { add() {} },"],
  ["\tToken.stringify = function", "\tfunction matchPattern(", ""],
  ["\tif (!_self.document) {", "\treturn _;\n\n}(_self));", ""],
  ["}(_self));", null, "}({}));\nexport default Prism;"],
];
const slimPrism = {
  name: "slim-prism",
  setup({ onLoad }) {
    onLoad({ filter: /prism-[a-z]+\.js$/ }, ({ path }) => {
      let contents = readFileSync(path, "utf8");
      if (!path.endsWith("prism-core.js")) {
        return { contents: `import Prism from "./prism-core.js";\n${contents}`, loader: "js" };
      }
      for (const [start, end, instead] of CUTS) {
        const from = contents.indexOf(start);
        const to = end === null ? contents.length : contents.indexOf(end, from);
        if (from < 0 || to < 0) throw new Error(`Prism has no ${start.trim()}`);
        contents = contents.slice(0, from) + instead + contents.slice(to);
      }
      return { contents, loader: "js" };
    });
  },
};

function sourcesHash() {
  const names = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(here.length + 1)
        .replaceAll("\\", "/"),
    );
  const hash = createHash("sha256");
  for (const name of [...names, "build.mjs", "package-lock.json"].sort()) {
    hash
      .update(name)
      .update("\0")
      .update(readFileSync(join(here, name)))
      .update("\0");
  }
  return hash.digest("hex");
}

mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: only
    ? [only]
    : {
        widget: "src/widget.ts",
        loader: "src/loader.ts",
        highlight: "src/markdown/highlight.ts",
        browser: "src/page-model/browser.ts",
        structure: "src/structure/structure.ts",
        race: "src/race/race.ts",
        replay: "src/replay/replay.ts",
      },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  plugins: [cssAsText, slimMarkdownIt, slimPrism],
});
if (!only) writeFileSync(join(out, "sources.sha256"), `${sourcesHash()}\n`);
