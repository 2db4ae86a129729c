import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Kernel as JupyterKernel } from "../src/host.ts";
import answerWidget from "../src/widget.ts";
import { FakeModel, Kernel, wire } from "./kernel.ts";

beforeEach(() => {
  vi.useFakeTimers();
  document.head.replaceChildren();
  document.body.replaceChildren();
});

function open(jupyter?: JupyterKernel, traits = {}) {
  const model = new FakeModel(traits, jupyter && { kernel: jupyter });
  const widget = answerWidget();
  const dispose = widget.initialize({ model });
  const render = () => {
    const el = document.createElement("div");
    document.body.append(el);
    return { el, close: widget.render({ model, el }) };
  };
  return { model, widget, dispose, render, kernel: new Kernel() };
}

/** What a person reads, hidden items left out. */
function strip(el: Element): string {
  const items = [...el.querySelectorAll(".ipyllm-line > *, .ipyllm-stop")];
  return items
    .filter((item) => !item.hasAttribute("hidden"))
    .map((item) => item.textContent)
    .filter(Boolean)
    .join(" | ");
}

function frame(): void {
  vi.advanceTimersByTime(120);
}

test("the answer is rendered, and HTML in it is text", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  for (const text of ["# One\n\n", "t**w", "o** <b>&amp;</b>\n"])
    model.receive(wire(kernel.delta(text)));
  frame();
  expect(el.querySelector("h1")?.textContent).toBe("One");
  expect(el.querySelector(".ipyllm-text strong")?.textContent).toBe("wo");
  expect(el.querySelector(".ipyllm-text b")).toBeNull();
});

test("channels come in their own blocks, in order of arrival", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.delta("Hmm.", "reasoning", 300)));
  frame();
  expect(el.querySelector("summary")?.textContent).toBe("thinking… 0.0 s");
  model.receive(wire(kernel.delta("f\n{}", "tool:0", 2400)));
  model.receive(wire(kernel.delta("Tokyo", "text", 2500)));
  frame();
  const blocks = [...(el.querySelector(".ipyllm-body")?.children ?? [])];
  expect(blocks.map((block) => block.className)).toEqual([
    "ipyllm-fold",
    "",
    "ipyllm-text ipyllm-caret",
  ]);
  expect(el.querySelector("summary")?.textContent).toBe("thought for 2.1 s");
  expect(el.querySelector(".ipyllm-thought")?.textContent).toBe("Hmm.");
});

test("a second view opened mid-stream shows everything, and both go on", () => {
  const { model, render, kernel } = open();
  const first = render();
  model.receive(wire(kernel.delta("so far")));
  frame();
  const second = render();
  expect(second.el.querySelector(".ipyllm-text")?.textContent).toBe("so far");
  model.receive(wire(kernel.delta(" and on")));
  frame();
  for (const { el } of [first, second])
    expect(el.querySelector(".ipyllm-text")?.textContent).toBe("so far and on");
});

test("what comes before any view is kept", () => {
  const { model, render, kernel } = open();
  model.receive(wire(kernel.delta("early")));
  expect(render().el.querySelector(".ipyllm-text")?.textContent).toBe("early");
});

test("writes wait for the frame: many messages, one look", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.delta("a")));
  frame();
  const observer = new MutationObserver(() => {});
  observer.observe(el.querySelector(".ipyllm-text") ?? el, {
    subtree: true,
    childList: true,
    characterData: true,
  });
  for (let more = 0; more < 50; more++) model.receive(wire(kernel.delta("b")));
  expect(observer.takeRecords()).toEqual([]);
  frame();
  expect(el.querySelector(".ipyllm-text")?.textContent).toBe(kernel.text);
  observer.disconnect();
});

test("a snapshot that contradicts the text shows the new text", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.delta("wrong")));
  frame();
  model.receive({ ...kernel.snapshot(), parts: [["text", "right"]] });
  frame();
  expect(el.querySelector(".ipyllm-body")?.textContent).toBe("right");
});

test("text that was lost before the end is shown once it is there", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.delta("so ")));
  kernel.delta("far");
  model.receive(wire(kernel.status("done")));
  frame();
  expect(el.querySelector(".ipyllm-text")?.textContent).toBe("so");
  expect(el.querySelector(".ipyllm-caret")).toBeNull();
  model.receive(wire(kernel.snapshot(3)));
  frame();
  expect(el.querySelector(".ipyllm-text")?.textContent).toBe("so far");
  expect(el.querySelector(".ipyllm-caret")).toBeNull();
});

describe("the strip", () => {
  test("from waiting to done", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    const seen: string[] = [];
    const see = () => {
      frame();
      seen.push(strip(el));
    };
    model.receive(wire(kernel.status("loading")));
    see();
    model.receive(wire(kernel.status("prefill", { elapsed: 0.3, load: 0.4 })));
    model.receive(wire(kernel.progress(763, 1230)));
    see();
    model.receive(wire(kernel.delta("a", "text", 312)));
    model.receive(wire(kernel.delta("b", "text", 1312)));
    see();
    model.receive(
      wire(kernel.status("done", { ttft: 0.312, total: 8.4, rate: 71.3, tokens: 412 })),
    );
    see();
    expect(seen).toEqual([
      "demo | loading the model | 0.1 s | Stop",
      "demo | reading the prompt | 763 of 1,230 tokens | loaded in 0.4 s | 0.3 s | Stop",
      "demo | loaded in 0.4 s | first token 312 ms | 1.0 tok/s | 2 tok | 0.4 s | Stop",
      "demo | loaded in 0.4 s | first token 312 ms | 71 tok/s | 412 tok | 8.4 s",
    ]);
  });

  test("ticks by itself while active and stands still afterwards", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    model.receive(wire(kernel.status("waiting", { elapsed: 0 })));
    vi.advanceTimersByTime(7100);
    expect(strip(el)).toBe("demo | waiting for the first token | 7.0 s | no data for 7 s | Stop");
    model.receive(wire(kernel.status("done")));
    frame();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("shows code between backticks as code, and a single backtick as it is", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    model.receive(wire(kernel.status("error", {}, "No key: try `%%llm -m local`")));
    frame();
    expect(el.querySelector(".ipyllm-phase code")?.textContent).toBe("%%llm -m local");
    model.receive(wire(kernel.status("error", {}, "a ` alone")));
    frame();
    expect(el.querySelector(".ipyllm-phase")?.textContent).toBe("a ` alone");
  });

  test("tells screen readers of states, not of tokens", () => {
    const { model, render, kernel } = open();
    const status = render().el.querySelector(".ipyllm-status");
    const said = new Set<string | null | undefined>();
    for (let token = 0; token < 20; token++) {
      model.receive(wire(kernel.delta("x")));
      frame();
      said.add(status?.textContent);
    }
    expect([...said]).toEqual(["answering"]);
    expect(status?.getAttribute("role")).toBe("status");
  });
});

describe("the button", () => {
  test("says stopping in the next frame and asks the kernel", () => {
    const { model, render, kernel } = open(undefined, { mode: "background" });
    const { el } = render();
    model.receive(wire(kernel.delta("a")));
    const button = el.querySelector("button");
    button?.click();
    vi.advanceTimersByTime(17);
    expect(strip(el)).toContain("stopping…");
    expect(button?.getAttribute("aria-disabled")).toBe("true");
    expect(model.sent).toEqual([{ kind: "stop" }]);
  });

  test("keeps JupyterLab's shortcuts off its Enter and Space", () => {
    const { el } = open().render();
    expect(el.querySelector("button")?.hasAttribute("data-lm-suppress-shortcuts")).toBe(true);
  });

  test("hands the keyboard's place to the strip when it goes", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    el.querySelector("button")?.focus();
    model.receive(wire(kernel.status("done")));
    frame();
    expect(document.activeElement).toBe(el.querySelector(".ipyllm-strip"));
  });
});

describe("reasoning", () => {
  function thinking() {
    const opened = open();
    const { el } = opened.render();
    opened.model.receive(wire(opened.kernel.delta("Hmm.", "reasoning", 300)));
    frame();
    const fold = el.querySelector("details");
    const answer = () => {
      opened.model.receive(wire(opened.kernel.delta("So.", "text", 900)));
      frame();
      return fold?.open;
    };
    return { ...opened, el, fold, answer };
  }

  test("is open while it is all there is, and folds when the answer begins", () => {
    const { fold, answer } = thinking();
    expect(fold?.open).toBe(true);
    expect(answer()).toBe(false);
  });

  test("stays as the reader has set it", () => {
    const { fold, answer } = thinking();
    fold?.querySelector("summary")?.click();
    fold?.querySelector("summary")?.click();
    const set = fold?.open;
    expect(answer()).toBe(set);
  });

  test("after text does not open", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    model.receive(wire(kernel.delta("So.", "text", 200)));
    model.receive(wire(kernel.delta("Hmm.", "reasoning", 300)));
    frame();
    expect(el.querySelector("details")?.open).toBe(false);
  });
});

test("a refusal is seen as one", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.delta("I can't.", "refusal")));
  frame();
  expect(el.querySelector(".ipyllm-refusal")?.textContent).toBe("I can't.");
});

describe("the switches", () => {
  function button(el: Element, label: string): HTMLButtonElement {
    const found = [...el.querySelectorAll("button")].find((each) =>
      each.textContent?.startsWith(label),
    );
    if (!found) throw new Error(`no ${label}`);
    return found;
  }

  test("Raw shows the source, of what comes later too, and back", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    model.receive(wire(kernel.delta("*a* ")));
    frame();
    button(el, "Raw").click();
    model.receive(wire(kernel.delta("*b*")));
    frame();
    expect(el.querySelector(".ipyllm-raw")?.textContent).toBe("*a* *b*");
    expect(el.querySelector(".ipyllm-prose")?.hasAttribute("hidden")).toBe(true);
    expect(button(el, "Raw").getAttribute("aria-pressed")).toBe("true");
    button(el, "Raw").click();
    expect(el.querySelector(".ipyllm-raw")?.hasAttribute("hidden")).toBe(true);
    expect(el.querySelector(".ipyllm-prose em:last-child")?.textContent).toBe("b");
  });

  test("Copy takes the answer's text and says so", async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const { model, render, kernel } = open();
    const { el } = render();
    model.receive(wire(kernel.delta("Hmm", "reasoning")));
    model.receive(wire(kernel.delta("**a**")));
    frame();
    const copy = button(el, "Copy");
    copy.click();
    await vi.advanceTimersByTimeAsync(0);
    expect(writeText).toHaveBeenCalledWith("**a**");
    expect(copy.textContent).toBe("Copied");
    await vi.advanceTimersByTimeAsync(2000);
    expect(copy.textContent).toBe("Copy");
    vi.unstubAllGlobals();
  });

  test("Timing asks the kernel when it opens, again while the answer streams, and at its end", () => {
    const { model, render, kernel } = open();
    const { el } = render();
    // It asks about its silence, too.
    const asked = () =>
      model.sent.filter((each) => JSON.stringify(each) === `{"kind":"timing"}`).length;
    model.receive(wire(kernel.delta("a")));
    frame();
    expect(asked()).toBe(0);
    const timing = button(el, "Timing");
    timing.click();
    frame();
    expect(asked()).toBe(1);
    expect(timing.getAttribute("aria-expanded")).toBe("true");
    const panel = el.querySelector(`#${timing.getAttribute("aria-controls")}`);
    model.receive({ kind: "timing", html: "<table></table>" });
    frame();
    expect(panel?.innerHTML).toBe("<table></table>");
    vi.advanceTimersByTime(2100);
    expect(asked()).toBe(2);
    model.receive(wire(kernel.status("done")));
    frame();
    expect(asked()).toBe(3);
    vi.advanceTimersByTime(10_000);
    expect(asked()).toBe(3);
  });

  test("stand in the tab order as buttons, with names", () => {
    const { el } = open().render();
    const buttons = [...el.querySelectorAll("button")];
    expect(buttons.map((each) => each.textContent)).toEqual(["Stop", "Copy", "Raw", "Timing ▾"]);
    for (const each of buttons) {
      expect(each.type).toBe("button");
      expect(each.tabIndex).toBe(0);
      expect(each.hasAttribute("data-lm-suppress-shortcuts")).toBe(true);
    }
  });
});

test("a notice while it waits stands in the place of the state's word", () => {
  const { model, render, kernel } = open();
  const { el } = render();
  model.receive(wire(kernel.status("waiting", {}, "overloaded; trying again in 2 s (1 of 3)")));
  frame();
  expect(strip(el)).toContain("overloaded; trying again in 2 s (1 of 3)");
  model.receive(wire(kernel.status("streaming")));
  frame();
  expect(strip(el)).not.toContain("overloaded");
});

test("the sheet is put into the document once", () => {
  const { render } = open();
  render();
  render();
  frame();
  expect(document.querySelectorAll("style[data-ipyllm]")).toHaveLength(1);
});

test("a shadow root gets its own sheet", () => {
  const { widget, model } = open();
  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const el = document.createElement("div");
  root.append(el);
  document.body.append(host);
  widget.render({ model, el });
  expect(root.querySelectorAll("style[data-ipyllm]")).toHaveLength(1);
});

test("a closed view leaves nothing behind", () => {
  const { model, render, kernel, dispose } = open();
  const { el, close } = render();
  model.receive(wire(kernel.delta("a")));
  frame();
  close();
  dispose();
  expect([el.childElementCount, vi.getTimerCount(), model.listeners.size]).toEqual([0, 0, 0]);
});
