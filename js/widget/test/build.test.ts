// @vitest-environment node
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

function build(...only: string[]): Record<string, Buffer> {
  const out = mkdtempSync(join(tmpdir(), "ipyllm-"));
  execFileSync(process.execPath, ["build.mjs", out, ...only]);
  return Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(join(out, name))]));
}

const built = build();

function file(name: string): Buffer {
  const content = built[name];
  if (content === undefined) throw new Error(`${name} was not built`);
  return content;
}

test("the same sources give the same bytes", () => {
  expect(build()).toEqual(built);
});

test("the bundle stays within its budget: it is sent once per kernel", () => {
  expect(gzipSync(file("widget.js"), { level: 9 }).length).toBeLessThanOrEqual(30_000);
});

test("Markdown stays within its share", () => {
  const { "markdown-view.js": view } = build("src/markdown/markdown-view.ts");
  expect(gzipSync(view ?? "", { level: 9 }).length).toBeLessThan(20 * 1024);
});

test("colours for code stay within their budget: they are sent when a block of code needs them", () => {
  expect(gzipSync(file("highlight.js"), { level: 9 }).length).toBeLessThanOrEqual(15_000);
});

test("the loader stays within its budget: it is sent with every answer", () => {
  expect(file("loader.js").length).toBeLessThan(1536);
});

test("the views of structure stay within their budget: they are sent when an answer needs them", () => {
  expect(gzipSync(file("structure.js"), { level: 9 }).length).toBeLessThanOrEqual(10_000);
});

test("what runs the page's own model stays within its budget: it is sent when one is asked", () => {
  expect(gzipSync(file("browser.js"), { level: 9 }).length).toBeLessThanOrEqual(6_000);
});

test.each(["widget.js", "loader.js"])("%s is an anywidget module by itself", async (name) => {
  const module = await import(`data:text/javascript,${encodeURIComponent(file(name).toString())}`);
  expect(module.default()).toMatchObject({
    initialize: expect.any(Function),
    render: expect.any(Function),
  });
});

test("sources.sha256 is what its description says", () => {
  const names = readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash("sha256");
  for (const name of ["build.mjs", "package-lock.json", ...names].sort()) {
    hash.update(Buffer.concat([Buffer.from(`${name}\0`), readFileSync(name), Buffer.from("\0")]));
  }
  expect(file("sources.sha256").toString()).toBe(`${hash.digest("hex")}\n`);
});

test("the lock file names no registry", () => {
  expect(readFileSync("package-lock.json", "utf8")).not.toContain('"resolved"');
});
