// @vitest-environment node
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const out = mkdtempSync(join(tmpdir(), "ipyllm-"));
execFileSync(process.execPath, ["build.mjs", out, "src/structure/structure.ts"]);
const code = readFileSync(join(out, "structure.js"));

test("the views of structure stay within their budget: they are sent when an answer needs them", () => {
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(10_000);
});

test("the module gives two views, and does nothing as it is loaded", async () => {
  const module = await import(`data:text/javascript,${encodeURIComponent(code.toString())}`);
  expect(module.default).toEqual({ value: expect.any(Function), calls: expect.any(Function) });
});
