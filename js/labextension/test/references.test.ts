import { expect, test, vi } from "vitest";
import { described, KernelNames } from "../src/cells/kernel-names.ts";
import { references } from "../src/cells/references.ts";

test.each([
  ["{name}", ["{name}"]],
  ["a {x} and {y2}.", ["{x}", "{y2}"]],
  ["{{name}}", ["!{{name}}"]],
  ["{{name} and {name}}", ["{name}", "{name}"]],
  ["{größe} {名前}", ["{größe}", "{名前}"]],
  ["{{{name}}} {{{{name}}}}", ["{{{name}}}", "!{{{{name}}}}"]],
  ["{a.b[0]['k']!r:.2f}", ["{a.b[0]['k']!r:.2f}"]],
  ['{"a": 1} {1} {a b} {} { a } {a()} {a: 1} {a[b]} {a:123456}', []],
])("%j", (text, expected) => {
  const found = references(text, 0);
  expect(
    found.map(({ from, to, isEscaped }) => (isEscaped ? "!" : "") + text.slice(from, to)),
  ).toEqual(expected);
});

test("places count from where the text begins", () => {
  expect(references("{x}", 10)).toEqual([{ name: "x", from: 10, to: 13, isEscaped: false }]);
});

test.each([
  [
    "\x1b[31mType:\x1b[39m        str\n\x1b[31mString form:\x1b[39m hello\nLength:      5",
    "there",
    "str, length 5: hello",
  ],
  ["Type:        int\nString form: 3\nDocstring:   int", "there", "int: 3"],
  ["Type:        module\nString form: <module 'os'>", "kept", "module"],
  ["Signature: f(x)\nDocstring: <no docstring>\nType:      function", "kept", "function"],
  ["Init signature: C()\nType:           type", "kept", "type"],
])("what IPython says: %j", (plain, state, text) => {
  expect(described(plain)).toEqual({ state, text });
});

function signal() {
  const slots = new Set<(sender: unknown, args: never) => void>();
  return {
    connect: (slot: (sender: unknown, args: never) => void) => !!slots.add(slot),
    disconnect: (slot: (sender: unknown, args: never) => void) => slots.delete(slot),
    emit: (args: unknown) => {
      for (const slot of slots) slot(null, args as never);
    },
  };
}

function notebook(known: readonly string[]) {
  const requestInspect = vi.fn(async ({ code }: { code: string }) => ({
    content: known.includes(code)
      ? { status: "ok", found: true, data: { "text/plain": "Type: int\nString form: 1" } }
      : { status: "ok", found: false, data: {} },
  }));
  const kernel = { status: "idle", requestInspect };
  const context = {
    session: { kernel },
    iopubMessage: signal(),
    statusChanged: signal(),
    kernelChanged: signal(),
  };
  const changed = vi.fn();
  return { kernel, context, changed, names: new KernelNames(context as never, changed) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("an idle kernel is asked once for each name", async () => {
  const { names, kernel, changed } = notebook(["here"]);
  names.want(["here", "gone"]);
  await settled();
  names.want(["here", "gone"]);
  await settled();
  expect(names.get("here")?.state).toBe("there");
  expect(names.get("gone")?.state).toBe("missing");
  expect(kernel.requestInspect).toHaveBeenCalledTimes(2);
  expect(changed).toHaveBeenCalled();
});

test("a busy kernel is left alone until it is idle", async () => {
  const { names, kernel, context } = notebook([]);
  kernel.status = "busy";
  names.want(["x"]);
  await settled();
  expect(kernel.requestInspect).not.toHaveBeenCalled();
  kernel.status = "idle";
  context.statusChanged.emit("idle");
  await settled();
  expect(names.get("x")?.state).toBe("missing");
});

test("what is known is forgotten when a cell is run", async () => {
  const { names, context, changed } = notebook(["x"]);
  names.want(["x"]);
  await settled();
  context.iopubMessage.emit({ header: { msg_type: "execute_input" }, content: {} });
  expect(names.get("x")).toBeUndefined();
  changed.mockClear();
  context.statusChanged.emit("idle");
  expect(changed).toHaveBeenCalledTimes(1);
});

test("asking does not go round in circles: idle again is no news", async () => {
  const { names, context, changed } = notebook(["x"]);
  names.want(["x"]);
  await settled();
  changed.mockClear();
  context.statusChanged.emit("idle");
  expect(changed).not.toHaveBeenCalled();
});

test("a disposed one hears nothing more", async () => {
  const { names, context, kernel } = notebook([]);
  names.dispose();
  context.statusChanged.emit("idle");
  await settled();
  expect(kernel.requestInspect).not.toHaveBeenCalled();
});
