import { expect, test, vi } from "vitest";
import { Assets } from "../src/assets.ts";

/** Node imports no Blob address; a data address is the same to it. */
vi.mock("../src/import-code.ts", () => ({
  importCode: (code: string) => import(`data:text/javascript,${encodeURIComponent(code)}`),
}));

test("an answer asks its kernel once, and all of a page share the module", async () => {
  const asked: string[] = [];
  const one = new Assets((name) => asked.push(name));
  const other = new Assets((name) => asked.push(name));
  const modules = [one.get("a"), other.get("a"), one.get("a")];
  one.receive("a", "export default 7");
  const [first, ...others] = await Promise.all(modules);
  expect(first).toHaveProperty("default", 7);
  for (const each of others) expect(each === first).toBe(true);
  expect(asked).toEqual(["a", "a"]);
});

test("what the kernel does not have is an error, once", async () => {
  const ask = vi.fn();
  const assets = new Assets(ask);
  const module = assets.get("b");
  assets.receive("b", "");
  await expect(module).rejects.toThrow("the kernel has no b");
  await expect(assets.get("b")).rejects.toThrow();
  expect(ask).toHaveBeenCalledTimes(1);
});

test("what a kernel that is gone was asked for, the next answer asks its own for", () => {
  const ask = vi.fn();
  const gone = new Assets(ask);
  void gone.get("c");
  void new Assets(ask).get("c");
  expect(ask).toHaveBeenCalledTimes(2);
});

test("what the kernel sends unasked is kept, and nobody asks", async () => {
  const ask = vi.fn();
  new Assets(ask).receive("d", "export default 9");
  expect(await new Assets(ask).get("d")).toHaveProperty("default", 9);
  expect(ask).not.toHaveBeenCalled();
});

test("what one answer has asked for, and another is sent, both have", async () => {
  const [one, other] = [new Assets(vi.fn()), new Assets(vi.fn())];
  const asked = one.get("e");
  other.receive("e", "export default 11");
  expect(await asked).toHaveProperty("default", 11);
  expect(await other.get("e")).toHaveProperty("default", 11);
});

test("a module that is here is not asked for again once its asker is gone", async () => {
  const [one, ask] = [new Assets(vi.fn()), vi.fn()];
  const module = one.get("f");
  one.receive("f", "export default 12");
  await module;
  expect(await new Assets(ask).get("f")).toHaveProperty("default", 12);
  expect(ask).not.toHaveBeenCalled();
});

test("a kernel that does not answer is asked once more, unless nobody wants it any more", () => {
  vi.useFakeTimers();
  const [ask, left] = [vi.fn(), vi.fn()];
  void new Assets(ask).get("g");
  const gone = new Assets(left);
  void gone.get("g");
  gone.dispose();
  vi.advanceTimersByTime(10_000);
  expect(ask).toHaveBeenCalledTimes(2);
  expect(left).toHaveBeenCalledTimes(1);
  vi.useRealTimers();
});
