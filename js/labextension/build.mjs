/**
 * Bundles the JupyterLab extension into dist, or into the folder given as argument:
 *
 *   package.json              what JupyterLab reads: which script to load
 *   install.json              which Python package it came with
 *   schemas/ipyllm/           the settings
 *   static/remoteEntry.*.js   all that JupyterLab loads when it opens: a Module Federation container
 *   static/views.*.js         the widget's views for saved answers, loaded when there is one
 *   sources.sha256            what they were built from, so that a Python test can tell a stale bundle
 *
 * esbuild and the widget's own build script do it, with the packages of js/widget: @jupyter/builder would be 90 more
 * packages and 109 MB. The container is written by hand: `init` and `get`, and of the share scope what every
 * prebuilt extension uses, `scope[name][version].get()`.
 *
 * The hash is as in js/widget/build.mjs, over src/**, schema/**, build.mjs, install.json and package.json, and the
 * widget's src/**, build.mjs and package-lock.json after them, in sorted posix order of the path relative to js/.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const js = dirname(here);
const out = process.argv[2] ?? join(here, "dist");
const { build, transform } = createRequire(join(js, "widget/package.json"))("esbuild");
const { name } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const [version] = readFileSync(join(js, "../src/ipyllm/_version.py"), "utf8").match(
  /\d+\.\d+[^"']*/,
);

/** JupyterLab's own: each of them exists once in a page. */
const SHARED =
  /^@(?:codemirror\/(?:language|state|view)|lezer\/(?:common|highlight)|lumino|jupyterlab)/;

/**
 * Waits for what `shared` names, then runs the module with it. The versions: the loaded one, else the newest, which
 * localeCompare would take 3 ms to find.
 */
const container = (shared, code) => `(() => {
const here = document.currentScript.src;
const number = (version) => version.split(/\\D+/, 3).reduce((sum, part) => sum * 1e4 + +part, 0);
let scope;
(window._JUPYTERLAB ??= {})[${JSON.stringify(name)}] = {
  init(shareScope) { scope = shareScope; },
  async get() {
    const found = await Promise.all(${JSON.stringify(shared)}.map(async (name) => {
      const versions = scope[name] ?? {};
      const names = Object.keys(versions).sort((a, b) => number(a) - number(b));
      const entry = versions[names.find((each) => versions[each].loaded) ?? names.at(-1)];
      if (!entry) throw new Error("ipyllm: this JupyterLab shares no " + name);
      return [name, (await entry.get())()];
    }));
    const modules = new Map(found);
    const module = { exports: {} };
    ((module, require, here) => {
${code}
    })(module, (name) => modules.get(name), here);
    return () => module.exports;
  },
};
})();
`;

const cssAsText = {
  name: "css-as-text",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

function hashed(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/** The views as the widget's own build makes them: Markdown and code colours without what is never called. */
function bundleViews() {
  const scratch = join(out, "scratch");
  const script = join(js, "widget/build.mjs");
  execFileSync(process.execPath, [script, scratch, join(here, "src/answers/views.ts")]);
  const code = readFileSync(join(scratch, "views.js"), "utf8");
  rmSync(scratch, { recursive: true });
  const file = `views.${hashed(code)}.js`;
  writeFileSync(join(out, "static", file), code);
  return file;
}

async function bundleEntry(views) {
  const shared = new Set();
  const { outputFiles } = await build({
    absWorkingDir: here,
    entryPoints: ["src/index.ts"],
    bundle: true,
    minify: true,
    write: false,
    format: "cjs",
    target: "es2022",
    charset: "utf8",
    define: { VIEWS: JSON.stringify(views) },
    plugins: [
      cssAsText,
      {
        name: "shared",
        setup: ({ onResolve }) =>
          onResolve({ filter: SHARED }, ({ path }) => {
            shared.add(path);
            return { path, external: true };
          }),
      },
    ],
  });
  const whole = container([...shared].sort(), outputFiles[0].text);
  const { code } = await transform(whole, { minify: true, target: "es2022", charset: "utf8" });
  const file = `remoteEntry.${hashed(code)}.js`;
  writeFileSync(join(out, "static", file), code);
  return file;
}

function files(folder) {
  return readdirSync(join(js, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(js, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

function sourcesHash() {
  const own = ["build.mjs", "install.json", "package.json"].map((file) => `labextension/${file}`);
  const theirs = ["widget/build.mjs", "widget/package-lock.json"];
  const folders = ["labextension/src", "labextension/schema", "widget/src"];
  const hash = createHash("sha256");
  for (const path of [...own, ...theirs, ...folders.flatMap(files)].sort()) {
    hash
      .update(path)
      .update("\0")
      .update(readFileSync(join(js, path)))
      .update("\0");
  }
  return hash.digest("hex");
}

rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "static"), { recursive: true });
const load = `static/${await bundleEntry(bundleViews())}`;
const description = {
  name,
  version,
  license: "BSD-3-Clause",
  jupyterlab: {
    extension: true,
    schemaDir: "schema",
    _build: { load, extension: "./extension" },
  },
};
const text = `${JSON.stringify(description, null, 2)}\n`;
writeFileSync(join(out, "package.json"), text);
cpSync(join(here, "install.json"), join(out, "install.json"));
cpSync(join(here, "schema"), join(out, "schemas", name), { recursive: true });
writeFileSync(join(out, "schemas", name, "package.json.orig"), text);
writeFileSync(join(out, "sources.sha256"), `${sourcesHash()}\n`);
