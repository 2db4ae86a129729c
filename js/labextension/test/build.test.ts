// @vitest-environment node
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const out = mkdtempSync(join(tmpdir(), "ipyllm-"));
execFileSync(process.execPath, ["build.mjs", out]);
const scripts = readdirSync(join(out, "static"));
const file = (name: string) => readFileSync(join(out, name), "utf8");

test("all that is loaded stays within its budget", () => {
  const sizes = scripts.map((name) => gzipSync(file(`static/${name}`), { level: 9 }).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(60 * 1024);
});

test("what JupyterLab loads when it opens is small", () => {
  const entry = scripts.find((name) => name.startsWith("remoteEntry.")) ?? "";
  expect(gzipSync(file(`static/${entry}`), { level: 9 }).length).toBeLessThanOrEqual(10_000);
});

test("the package says which script to load", () => {
  const { name, jupyterlab } = JSON.parse(file("package.json"));
  expect(name).toBe("ipyllm");
  expect(scripts.map((script) => `static/${script}`)).toContain(jupyterlab._build.load);
  expect(JSON.parse(file("schemas/ipyllm/package.json.orig")).name).toBe("ipyllm");
});

test.each([
  ["the loaded one", { "1.9.0": {}, "1.10.0": { loaded: 1 }, "1.11.0": {} }, "1.10.0"],
  ["else the newest", { "1.9.0-rc.12": {}, "1.10.0": {}, "1.2.11": {} }, "1.10.0"],
])(
  "the container waits for what JupyterLab shares, of its versions %s",
  async (_, shared, taken) => {
    const entry = scripts.find((name) => name.startsWith("remoteEntry.")) ?? "";
    const page = { document: { currentScript: { src: "http://x/remoteEntry.js" } } };
    const root: {
      _JUPYTERLAB?: Record<string, { init(scope: object): void; get(): Promise<unknown> }>;
    } = {};
    new Function("window", "document", file(`static/${entry}`))(root, page.document);
    const container = root._JUPYTERLAB?.ipyllm;
    const asked: string[] = [];
    const module = (version: string) => ({
      get: async () => () => {
        asked.push(version);
        return new Proxy(
          { Widget: class {} },
          { get: (of, key) => Reflect.get(of, key) ?? class {} },
        );
      },
    });
    const versions = Object.fromEntries(
      Object.entries(shared).map(([version, state]) => [version, { ...module(version), ...state }]),
    );
    container?.init(new Proxy({}, { get: () => versions }));
    await container?.get().catch(() => {});
    expect(new Set(asked)).toEqual(new Set([taken]));
  },
);

test("a JupyterLab that does not share what is needed is told so", async () => {
  const entry = scripts.find((name) => name.startsWith("remoteEntry.")) ?? "";
  const root: {
    _JUPYTERLAB?: Record<string, { init(scope: object): void; get(): Promise<unknown> }>;
  } = {};
  new Function("window", "document", file(`static/${entry}`))(root, { currentScript: { src: "" } });
  root._JUPYTERLAB?.ipyllm?.init({});
  await expect(root._JUPYTERLAB?.ipyllm?.get()).rejects.toThrow("shares no");
});
