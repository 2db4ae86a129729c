/**
 * Bundles the front end into src/ipyllm/widget/static, or into the folder given as argument:
 *
 *   widget.js        the views, one ESM file with the CSS inside
 *   loader.js        the small `_esm` each answer carries; it fetches widget.js from the library widget
 *   sources.sha256   what the two were built from, so that a Python test can tell a stale bundle
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
  entryPoints: ["src/widget.ts", "src/loader.ts"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  plugins: [cssAsText],
});
writeFileSync(join(out, "sources.sha256"), `${sourcesHash()}\n`);
