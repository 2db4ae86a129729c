import { afterEach, beforeEach, expect, test, vi } from "vitest";
import loader from "../src/loader.ts";
import { FakeModel } from "./kernel.ts";

/** A bundle that notes on `globalThis.seen` what it is given. */
const CODE = `globalThis.imports = (globalThis.imports ?? 0) + 1;
export default () => ({
  initialize({ model, early }) {
    globalThis.seen.push(...early);
    const listener = (content) => globalThis.seen.push(content);
    model.on("msg:custom", listener);
    return () => model.off("msg:custom", listener);
  },
  render({ el }) { el.textContent = "rendered"; return () => { el.textContent = "closed"; }; },
});`;

const page = globalThis as { seen?: unknown[]; imports?: number; [key: symbol]: unknown };

beforeEach(() => {
  page.seen = [];
  page.imports = 0;
  delete page[Symbol.for("ipyllm")];
  // Node cannot import blob: addresses. The fragment makes each a module of its own.
  let urls = 0;
  vi.spyOn(URL, "createObjectURL").mockImplementation(
    () => `data:text/javascript,${encodeURIComponent(CODE)}#${performance.now()}-${urls++}`,
  );
  vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

function answer(library = "lib", code: unknown = CODE) {
  const get_model = vi.fn(async (_id: string) => ({ get: () => code }));
  const model = new FakeModel({ _library: library }, { get_model });
  return { model, get_model, widget: loader(), el: document.createElement("div") };
}

test("messages from before the bundle are handed over in order, and none twice", async () => {
  const { model, widget, el } = answer();
  widget.initialize({ model });
  for (const content of [1, 2, 3]) model.receive(content);
  await widget.render({ model, el });
  for (const content of [4, 5]) model.receive(content);
  expect(page.seen).toEqual([1, 2, 3, 4, 5]);
  expect([model.listeners.size, el.textContent]).toEqual([1, "rendered"]);
});

test("initialize listens before it returns, and does not wait", () => {
  const { model, widget } = answer();
  expect(widget.initialize({ model })).toBeTypeOf("function");
  expect(model.listeners.size).toBe(1);
});

test("the bundle is imported once a page, whatever the number of answers", async () => {
  const answers = [answer(), answer(), answer()];
  for (const { widget, model } of answers) widget.initialize({ model });
  await Promise.all(answers.map(({ widget, model, el }) => widget.render({ model, el })));
  expect(page.imports).toBe(1);
  const other = answer("another kernel's");
  other.widget.initialize(other);
  await other.widget.render(other);
  expect(page.imports).toBe(2);
});

test("a view's cleanup is the bundle's", async () => {
  const { model, widget, el } = answer();
  widget.initialize({ model });
  const close = await widget.render({ model, el });
  close();
  expect(el.textContent).toBe("closed");
});

test("a library that cannot be had is one clear line, and the next answer tries again", async () => {
  const { model, widget, el } = answer("lib", null);
  widget.initialize({ model });
  await widget.render({ model, el });
  expect(el.textContent).toContain("the live view could not be loaded");
  const next = answer();
  next.widget.initialize(next);
  await next.widget.render(next);
  expect(next.el.textContent).toBe("rendered");
});

test("a front end without a widget manager gets the line as well", async () => {
  const [widget, model, el] = [loader(), new FakeModel(), document.createElement("div")];
  widget.initialize({ model });
  await widget.render({ model, el });
  expect(el.textContent).toContain("no library model");
});

test("a model that is gone before the bundle came leaves no listener", async () => {
  const { model, widget, el } = answer();
  const dispose = widget.initialize({ model });
  dispose();
  await widget.render({ model, el });
  expect(model.listeners.size).toBe(0);
});
