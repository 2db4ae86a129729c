import { beforeEach, describe, expect, test, vi } from "vitest";
import answerWidget from "../src/widget.ts";
import { FakeModel, Kernel, wire } from "./kernel.ts";

/** The source is its address here: Node imports no Blob, and the module's own parts are TypeScript. */
vi.mock("../src/import-code.ts", () => ({ importCode: (code: string) => import(code) }));
const STRUCTURE = { kind: "asset", name: "structure", code: "../src/structure/structure.ts" };

beforeEach(() => {
  vi.useFakeTimers();
  document.head.replaceChildren();
  document.body.replaceChildren();
});

function open(traits = {}) {
  const model = new FakeModel(traits);
  const widget = answerWidget();
  widget.initialize({ model });
  const render = () => {
    const el = document.createElement("div");
    document.body.append(el);
    widget.render({ model, el });
    return el;
  };
  return { model, render, kernel: new Kernel() };
}

function frame(): void {
  vi.advanceTimersByTime(120);
}

/** The module is imported, then a frame comes. */
async function arrive(model: FakeModel): Promise<void> {
  model.receive(STRUCTURE);
  await import("../src/structure/structure.ts");
  await vi.advanceTimersByTimeAsync(120);
}

function texts(el: Element, selector: string): (string | null)[] {
  return [...el.querySelectorAll(selector)].map((node) => node.textContent);
}

function button(el: Element, label: string): HTMLButtonElement {
  const found = [...el.querySelectorAll("button")].find((each) => each.textContent === label);
  if (!found) throw new Error(`no ${label}`);
  return found;
}

// The page has one of each module: this test comes first, as the page that does not have it yet.
test("until the views are here, and they are asked for once, the text is shown as it is", async () => {
  const { model, render, kernel } = open();
  const el = render();
  model.receive(wire(kernel.delta('add\n{"a"', "tool:0")));
  model.receive(wire(kernel.delta('sub\n{"b"', "tool:1")));
  model.receive(wire(kernel.delta(": 1}", "tool:0")));
  model.receive(wire(kernel.call(0, "done", { text: "**7**", seconds: 0.02 })));
  frame();
  expect(texts(el, ".ipyllm-raw")).toEqual(['add\n{"a": 1}', 'sub\n{"b"']);
  model.receive(wire(kernel.delta("2 tools", "turn")));
  model.receive(wire(kernel.delta('{"sum": 7', "value")));
  frame();
  expect(texts(el, ".ipyllm-raw").at(-1)).toBe('{"sum": 7');
  expect(model.sent).toEqual([{ kind: "asset", name: "structure" }]);

  await arrive(model);
  expect(texts(el, ".ipyllm-raw")).toEqual([]);
  expect(texts(el, ".ipyllm-card b")).toEqual(["add", "sub"]);
  expect(texts(el, ".ipyllm-card .ipyllm-short")).toEqual(["a=1", ""]);
  expect(el.querySelector(".ipyllm-result strong")?.textContent).toBe("7");
  expect(texts(el, ".ipyllm-typed .ipyllm-key")).toEqual(["sum"]);
  model.receive(wire(kernel.delta("7}", "value")));
  frame();
  expect(texts(el, ".ipyllm-typed .ipyllm-value")).toEqual(["77"]);
});

describe("calls", () => {
  test("in a row are one block, whichever comes next", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("f\n{", "tool:0")));
    model.receive(wire(kernel.delta("g\n{", "tool:1")));
    model.receive(wire(kernel.delta("}", "tool:0")));
    await arrive(model);
    expect(el.querySelector(".ipyllm-body")?.childElementCount).toBe(1);
    expect(texts(el, ".ipyllm-card b")).toEqual(["f", "g"]);
  });

  test("go on in their own card after something else came", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta('f\n{"a"', "tool:0")));
    model.receive(wire(kernel.delta("Well,", "text")));
    model.receive(wire(kernel.delta(": 5}", "tool:0")));
    await arrive(model);
    expect(texts(el, ".ipyllm-card .ipyllm-short")).toEqual(["a=5"]);
  });

  test("of another request have a block of their own, after a line that says so", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("f\n{}", "tool:0")));
    model.receive(wire(kernel.delta("2 tools", "turn")));
    await arrive(model);
    expect(texts(el, ".ipyllm-turn")).toEqual(["request 2"]);
    model.receive(wire(kernel.delta(" 0.2134", "turn")));
    model.receive(wire(kernel.delta("g\n{}", "tool:1")));
    frame();
    expect(texts(el, ".ipyllm-turn")).toEqual(["request 2 · first token 213 ms"]);
    const blocks = [...(el.querySelector(".ipyllm-body")?.children ?? [])];
    expect(blocks.map((block) => block.querySelector("b")?.textContent)).toEqual([
      "f",
      undefined,
      "g",
    ]);
  });

  test("show how they stand, in a second view and after a reload too", async () => {
    const { model, render, kernel } = open();
    const first = render();
    model.receive(wire(kernel.delta("f\n{}", "tool:0")));
    model.receive(wire(kernel.call(0, "running")));
    await arrive(model);
    const state = (el: Element) => el.querySelector<HTMLElement>(".ipyllm-card")?.dataset.state;
    expect(state(first)).toBe("running");
    const second = render();
    await arrive(model);
    model.receive(wire(kernel.call(0, "failed", { error: "Traceback\nValueError: no" })));
    frame();
    const reloaded = open({ snapshot: kernel.snapshot() });
    const third = reloaded.render();
    await arrive(reloaded.model);
    for (const el of [first, second, third]) {
      expect(state(el)).toBe("failed");
      expect(el.querySelector(".ipyllm-wrong")?.textContent).toBe("ValueError: no");
    }
  });

  test("whose state was lost have it from the snapshot", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("f\n{}", "tool:0")));
    kernel.call(0, "done", { text: "7" });
    model.receive(wire(kernel.status("waiting")));
    await arrive(model);
    expect(model.sent).toContainEqual({ kind: "resync", have: 4 });
    model.receive(wire(kernel.snapshot(4)));
    frame();
    expect(el.querySelector<HTMLElement>(".ipyllm-card")?.dataset.state).toBe("done");
    expect(el.querySelector(".ipyllm-result")?.textContent).toBe("7");
  });

  test("a text that replaces theirs leaves them none of the states they had", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("wrong\n{}", "tool:0")));
    model.receive(wire(kernel.call(0, "done")));
    await arrive(model);
    model.receive({ ...kernel.snapshot(), parts: [["tool:0", "right\n{}"]] });
    frame();
    expect(texts(el, ".ipyllm-card b")).toEqual(["right"]);
    expect(el.querySelector<HTMLElement>(".ipyllm-card")?.dataset.state).toBe("done");
  });

  test("are approved once, whichever view one clicks in, and however often", async () => {
    const { model, render, kernel } = open();
    const views = [render(), render()];
    model.receive(wire(kernel.delta("f\n{}", "tool:3")));
    model.receive(wire(kernel.call(3, "asking")));
    model.receive(wire(kernel.status("asking")));
    await arrive(model);
    for (const el of views) {
      button(el, "Approve").click();
      button(el, "Refuse").click();
    }
    expect(model.sent).toEqual([{ kind: "approve", call: 3, yes: true }]);
  });

  test("that run are nothing to wait for: no caret, and silence is no trouble", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("f\n{}", "tool:0")));
    await arrive(model);
    expect(el.querySelector(".ipyllm-here")).not.toBeNull();
    model.receive(wire(kernel.status("calling")));
    vi.advanceTimersByTime(9000);
    expect(el.querySelector(".ipyllm-here")).toBeNull();
    expect(el.querySelector(".ipyllm-phase")?.textContent).toBe("running tools");
    expect(el.querySelector(".ipyllm-aside")?.textContent).toBe("");
  });
});

describe("a line between requests", () => {
  test.each([
    ["2 tools", "request 2"],
    ["2 tools 0.2134", "request 2 · first token 213 ms"],
    ["2 retry 1.5000", "asked again · first token 1.50 s"],
    ["2 retry 0.21343 retry", "asked again"],
    ["2 retry3 tools 0.1000", "request 3 · first token 100 ms"],
    ["2", ""],
  ])("%j: %s", (text, expected) => {
    const { model, render, kernel } = open();
    const el = render();
    for (const char of text) model.receive(wire(kernel.delta(char, "turn")));
    frame();
    expect(texts(el, ".ipyllm-turn")).toEqual([expected]);
  });
});

describe("a structured answer", () => {
  test("is copied and shown raw as it came, what comes later too", async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta("Here: ")));
    model.receive(wire(kernel.delta('{"a": ', "value")));
    await arrive(model);
    button(el, "Raw").click();
    model.receive(wire(kernel.delta("1}", "value")));
    frame();
    expect(texts(el, ".ipyllm-raw")).toEqual(["Here: ", '{"a": 1}']);
    button(el, "Copy").click();
    expect(writeText).toHaveBeenCalledWith('Here: {"a": 1}');
    button(el, "Raw").click();
    expect(texts(el, ".ipyllm-value")).toEqual(["1"]);
    vi.unstubAllGlobals();
  });

  test("that is not what was asked for says where and why", async () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive(wire(kernel.delta('{"age": "old"', "value")));
    const invalid = { path: ["age"], message: "not a number" };
    model.receive(wire(kernel.status("error", { invalid }, "the answer does not fit")));
    await arrive(model);
    expect(el.querySelector(".ipyllm-phase")?.textContent).toBe("the answer does not fit");
    expect(el.querySelector(".ipyllm-failed + .ipyllm-failure")?.textContent).toBe("not a number");
  });
});

describe("the budget", () => {
  function meter(el: Element) {
    const bar = el.querySelector('[role="meter"]');
    if (!(bar instanceof HTMLElement)) throw new Error("no meter");
    const text = bar.nextElementSibling;
    return { bar, text };
  }

  test("is there when there is one, and is read out", () => {
    const { model, render, kernel } = open();
    const el = render();
    expect(meter(el).bar.hidden).toBe(true);
    model.receive(wire(kernel.spent(0.76)));
    frame();
    const { bar, text } = meter(el);
    expect([bar.hidden, text?.textContent]).toEqual([false, "380 of 500 tokens"]);
    expect(bar.getAttribute("aria-valuenow")).toBe("76");
    expect(bar.getAttribute("aria-valuetext")).toBe("380 of 500 tokens");
    expect(bar.classList.contains("ipyllm-worried")).toBe(false);
  });

  test("warns above nine tenths, and says where it guesses", () => {
    const { model, render, kernel } = open();
    const el = render();
    model.receive({ ...kernel.spent(0.95), estimated: true });
    frame();
    const { bar, text } = meter(el);
    expect(bar.classList.contains("ipyllm-worried")).toBe(true);
    expect(text?.textContent).toBe("~475 of 500 tokens");
  });

  test("is in the snapshot", () => {
    const kernel = new Kernel();
    kernel.spent(0.5);
    const el = open({ snapshot: kernel.snapshot() }).render();
    expect(meter(el).text?.textContent).toBe("250 of 500 tokens");
  });
});
