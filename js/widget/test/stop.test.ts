import { beforeEach, expect, test, vi } from "vitest";
import { Stop } from "../src/stop.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

function rig(mode: string, interrupt = vi.fn(async () => {})) {
  const host = { send: vi.fn(), interrupt, mode: () => mode, changed: vi.fn() };
  return { host, stop: new Stop(host) };
}

test("an ack in time needs no interrupt", () => {
  const { host, stop } = rig("blocking");
  stop.press();
  expect([stop.state, host.send.mock.calls.length, host.changed.mock.calls.length]).toEqual([
    "asked",
    1,
    1,
  ]);
  vi.advanceTimersByTime(149);
  stop.ack();
  vi.advanceTimersByTime(10_000);
  expect(host.interrupt).not.toHaveBeenCalled();
  expect(stop.state).toBe("acked");
});

test("without an ack in 150 ms a blocked kernel is interrupted, once", () => {
  const { host, stop } = rig("blocking");
  stop.press();
  vi.advanceTimersByTime(149);
  expect(host.interrupt).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(host.interrupt).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(60_000);
  expect(host.interrupt).toHaveBeenCalledTimes(1);
});

test("a background run is never interrupted, however long it is silent", () => {
  const { host, stop } = rig("background");
  stop.press();
  vi.advanceTimersByTime(1999);
  expect([stop.state, stop.hint]).toEqual(["asked", ""]);
  vi.advanceTimersByTime(60_000);
  expect(stop.state).toBe("unheard");
  expect(stop.hint).toBe("the kernel is busy; it will stop when it answers");
  expect(host.interrupt).not.toHaveBeenCalled();
});

test("a mode that is none of the two counts as background", () => {
  const { host, stop } = rig("");
  stop.press();
  vi.advanceTimersByTime(60_000);
  expect(host.interrupt).not.toHaveBeenCalled();
});

test("a late ack takes the hint away", () => {
  const { stop } = rig("background");
  stop.press();
  vi.advanceTimersByTime(3000);
  stop.ack();
  expect([stop.state, stop.hint]).toEqual(["acked", ""]);
});

test("presses while one is on its way are one press", () => {
  const { host, stop } = rig("blocking");
  for (let press = 0; press < 5; press++) stop.press();
  vi.advanceTimersByTime(1000);
  expect([host.send.mock.calls.length, host.interrupt.mock.calls.length]).toEqual([1, 1]);
});

test("an interrupt that is refused says so, and the button works again", async () => {
  const { host, stop } = rig(
    "blocking",
    vi.fn(async () => Promise.reject(new Error("refused (403)"))),
  );
  stop.press();
  await vi.advanceTimersByTimeAsync(150);
  expect([stop.state, stop.hint]).toEqual(["unheard", "refused (403)"]);
  stop.press();
  expect([stop.state, host.send.mock.calls.length]).toEqual(["asked", 2]);
});

test("an interrupt that was swallowed leaves a button that works", async () => {
  const { stop } = rig("blocking");
  stop.press();
  await vi.advanceTimersByTimeAsync(2150);
  expect(stop.state).toBe("unheard");
});

test("a run that ended meanwhile is not interrupted: another cell may run by now", () => {
  const { host, stop } = rig("blocking");
  stop.press();
  stop.end();
  vi.advanceTimersByTime(60_000);
  stop.press();
  vi.advanceTimersByTime(60_000);
  expect(host.interrupt).not.toHaveBeenCalled();
  expect(host.send).toHaveBeenCalledTimes(1);
});
