import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Lane } from "../src/race/lane.ts";
import { ordinal, places, readLanes } from "../src/race/lane.ts";
import race from "../src/race/race.ts";
import { Track } from "../src/race/track.ts";

const lane = (title: string, rest: Partial<Lane> = {}): Lane => ({
  title,
  state: "streaming",
  first: null,
  end: null,
  finished: false,
  ...rest,
});
const idle = { state: "idle", hint: "" } as const;
const lines = (node: HTMLElement) =>
  [...node.querySelectorAll("tr")].map((row) =>
    [...row.children].map((cell) => cell.textContent).join("|"),
  );

test.each([
  [[], []],
  [
    [0.2, 0.1, null],
    [2, 1, null],
  ],
  [
    [0.1, 0.1],
    [1, 1],
  ],
])("the earliest is first, and who has no time takes no place: %j", (times, expected) => {
  expect(places(times)).toEqual(expected);
});

test("places are read as people say them", () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual(
    "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd".split(" "),
  );
});

test("what is no lane is left out", () => {
  const good = lane("a");
  expect(readLanes([good, null, 3, { title: "b" }, { ...good, end: "x" }])).toEqual([good]);
  expect(readLanes("nothing")).toEqual([]);
});

test("who streams grows with the clock, who is done keeps its end", () => {
  const track = new Track(() => {});
  const done = lane("a", { state: "done", first: 0.25, end: 1, finished: true });
  track.paint([done, lane("b")], 2, idle);
  expect(lines(track.node)).toEqual([
    "one clock, 2.00 s|Stop all|first token|end",
    "a||250 ms1st|1.00 s1st",
    "b||–|–",
  ]);
  const widths = [...track.node.querySelectorAll("rect")].map((bar) => bar.getAttribute("width"));
  expect(widths).toEqual(["12.50%", "37.50%", "100.00%", "0.00%"]);
  track.paint([done, lane("b", { first: 3 })], 4, idle);
  expect(lines(track.node)[2]).toBe("b||3.00 s2nd|–");
});

test("who was stopped or failed takes no place at the end", () => {
  const track = new Track(() => {});
  const stopped = lane("a", { state: "stopped", first: 0.1, end: 0.2 });
  track.paint([stopped, lane("b", { state: "error", end: 0.1 })], 9, idle);
  expect(lines(track.node).slice(1)).toEqual(["a||100 ms1st|200 msstopped", "b||–|100 mserror"]);
  expect(track.node.querySelector("button")?.hidden).toBe(true);
});

class FakeModel {
  readonly sent: unknown[] = [];
  readonly traits: Record<string, unknown> = { lanes: [], now: 0, mode: "blocking" };
  readonly listeners = new Map<string, (content: unknown) => void>();
  get(key: string): unknown {
    return this.traits[key];
  }
  send(content: unknown): void {
    this.sent.push(content);
  }
  on(name: string, callback: (content: unknown) => void): void {
    this.listeners.set(name, callback);
  }
  off(name: string): void {
    this.listeners.delete(name);
  }
  tell(lanes: Lane[], now: number): void {
    Object.assign(this.traits, { lanes, now });
    this.listeners.get("change:lanes")?.(lanes);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the page counts on by itself until all are over", () => {
  const model = new FakeModel();
  const el = document.createElement("div");
  const leave = race.render({ model, el });
  model.tell([lane("a", { first: 0.5 })], 1);
  vi.advanceTimersByTime(2000);
  expect(lines(el)[0]).toMatch(/^one clock, 3\.00 s/);
  model.tell([lane("a", { state: "done", first: 0.5, end: 3.25, finished: true })], 3.25);
  expect(vi.getTimerCount()).toBe(0);
  expect(lines(el)[0]).toBe("one clock, 3.25 s|Stop all|first token|end");
  leave();
  expect([el.childElementCount, model.listeners.size]).toEqual([0, 0]);
});

test("Stop all is said once, and heard by its ack", () => {
  const model = new FakeModel();
  const el = document.createElement("div");
  race.render({ model, el });
  model.tell([lane("a")], 0);
  const button = el.querySelector("button");
  button?.click();
  button?.click();
  expect(model.sent).toEqual([{ kind: "stop" }]);
  expect(button?.getAttribute("aria-disabled")).toBe("true");
  model.listeners.get("msg:custom")?.({ kind: "ack" });
  vi.advanceTimersByTime(5000); // without the ack the kernel would be interrupted now
  expect(el.querySelector(".ipyllm-race-hint")?.textContent).toBe("");
});
