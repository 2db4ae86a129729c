import { expect, test, vi } from "vitest";
import { Body } from "../src/body.ts";
import type { Model } from "../src/host.ts";
import replay, { haveAt, readSteps } from "../src/replay/replay.ts";
import { Session } from "../src/session.ts";

const TEXT = "Some **bold** text";

function session(parts: [string, string][]): Session {
  const snapshot = { kind: "snapshot", seq: 1, at: 0, parts, state: "done", metrics: {}, note: "" };
  const model: Model = {
    get: (key) => (key === "snapshot" ? snapshot : undefined),
    send() {},
    on() {},
    off() {},
  };
  return new Session(model);
}

function slider(parts: [string, string][], steps: string) {
  const slot = document.createElement("div");
  slot.dataset.steps = steps;
  document.body.append(slot);
  replay(slot, session(parts), Session, Body);
  const bar = slot.querySelector("input") as HTMLInputElement;
  const to = (ms: number) => {
    bar.value = `${ms}`;
    bar.dispatchEvent(new Event("input"));
    return slot.querySelector(".ipyllm-body")?.textContent;
  };
  return { slot, bar, to };
}

test.each([
  [
    "120:4 155:9",
    [
      { ms: 120, have: 4 },
      { ms: 155, have: 9 },
    ],
  ],
  ["", []],
  ["nonsense 3:x -1:2 7:7", [{ ms: 7, have: 7 }]],
])("steps are read, and what is none is left out: %j", (text, steps) => {
  expect(readSteps(text)).toEqual(steps);
});

test("what was there at a moment", () => {
  const steps = readSteps("10:2 20:5 20:6 40:9");
  expect([0, 9, 10, 19, 20, 39, 40, 1e9].map((ms) => haveAt(steps, ms))).toEqual([
    0, 0, 2, 2, 6, 6, 9, 9,
  ]);
});

test("the answer is shown as it was, unfinished Markdown included, forwards and back", () => {
  const { slot, to } = slider([["text", TEXT]], "10:5 20:9 30:13 40:18");
  expect(slot.querySelector(".ipyllm-body")).toBeNull();
  expect(to(25)).toBe("Some bo");
  expect(slot.querySelector("strong")?.textContent).toBe("bo");
  expect(to(40)).toBe("Some bold text");
  expect(to(10)).toBe("Some");
  expect(to(0)).toBe("");
});

test("every channel has its place", () => {
  const { slot, to } = slider(
    [
      ["reasoning", "Hmm. "],
      ["text", "Yes."],
    ],
    "10:3 20:5 30:9",
  );
  to(15);
  expect(slot.querySelector(".ipyllm-body")?.textContent).toContain("Hmm");
  expect(to(30)).toContain("Yes.");
});

test("Play goes on from where it stands, at the answer's own pace", () => {
  vi.useFakeTimers();
  const { slot, bar, to } = slider([["text", TEXT]], "100:5 1000:18");
  to(200);
  const button = slot.querySelector("button");
  button?.click();
  expect(button?.textContent).toBe("Pause");
  vi.advanceTimersByTime(400);
  expect(Number(bar.value)).toBeGreaterThan(500);
  expect(Number(bar.value)).toBeLessThan(700);
  vi.advanceTimersByTime(1000);
  expect([bar.value, button?.textContent]).toEqual(["1000", "Play"]);
  expect(slot.querySelector(".ipyllm-body")?.textContent).toBe("Some bold text");
  vi.useRealTimers();
});
