import { beforeEach, expect, test, vi } from "vitest";
import { Session } from "../src/session.ts";
import { FakeModel, Kernel, wire } from "./kernel.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

test("a gap is asked about once, then ever more rarely, until it is filled", () => {
  const [model, kernel] = [new FakeModel(), new Kernel()];
  const session = new Session(model);
  model.receive(wire(kernel.delta("ab")));
  kernel.delta("lost");
  for (let more = 0; more < 5; more++) model.receive(wire(kernel.delta("more")));
  expect(model.sent).toEqual([{ kind: "resync", have: 2 }]);
  vi.advanceTimersByTime(499);
  expect(model.sent).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(model.sent).toHaveLength(2);
  vi.advanceTimersByTime(999);
  expect(model.sent).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(model.sent).toHaveLength(3);
  model.receive(wire(kernel.snapshot(2)));
  vi.advanceTimersByTime(999);
  expect(model.sent).toHaveLength(3);
  expect(session.transcript.text).toBe(kernel.text);
});

test("after a second of silence it is asked whether anything was lost, then ever more rarely", () => {
  const [model, kernel] = [new FakeModel(), new Kernel()];
  const session = new Session(model);
  model.receive(wire(kernel.delta("ab")));
  kernel.delta("lost");
  vi.advanceTimersByTime(999);
  expect(model.sent).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(model.sent).toEqual([{ kind: "resync", have: 2 }]);
  model.receive(wire(kernel.snapshot(2)));
  expect(session.transcript.text).toBe("ablost");
  for (const [at, wait] of [1000, 2000, 4000, 8000, 8000].entries()) {
    vi.advanceTimersByTime(wait);
    expect(model.sent).toHaveLength(2 + at);
    model.receive(wire(kernel.snapshot(6)));
  }
  model.receive(wire(kernel.delta("c")));
  vi.advanceTimersByTime(1000);
  expect(model.sent).toHaveLength(7);
});

test("when the answer is over, silence is no reason to ask", () => {
  const [model, kernel] = [new FakeModel(), new Kernel()];
  new Session(model);
  model.receive(wire(kernel.delta("ab")));
  model.receive(wire(kernel.status("done")));
  vi.advanceTimersByTime(60_000);
  expect(model.sent).toEqual([]);
});

test("a new gap is asked about at once again", () => {
  const [model, kernel] = [new FakeModel(), new Kernel()];
  new Session(model);
  kernel.delta("lost");
  model.receive(wire(kernel.delta("a")));
  model.receive(wire(kernel.snapshot(0)));
  kernel.delta("lost");
  model.receive(wire(kernel.delta("b")));
  expect(model.sent).toEqual([
    { kind: "resync", have: 0 },
    { kind: "resync", have: 5 },
  ]);
});

test("the snapshot trait is where a reloaded page begins", () => {
  const kernel = new Kernel();
  kernel.delta("so far");
  const model = new FakeModel({ snapshot: kernel.snapshot() });
  const session = new Session(model);
  model.receive(wire(kernel.delta(", so good")));
  expect(session.transcript.text).toBe("so far, so good");
  expect(model.sent).toEqual([]);
});

test("stop is sent, and the kernel's ack is enough", () => {
  const interrupt = vi.fn(async () => {});
  const model = new FakeModel({}, { kernel: { id: "k", interrupt } });
  const session = new Session(model);
  session.stop.press();
  expect(model.sent).toEqual([{ kind: "stop" }]);
  model.receive({ kind: "ack" });
  vi.advanceTimersByTime(10_000);
  expect(interrupt).not.toHaveBeenCalled();
});

test.each(["stopping", "stopped", "done"] as const)(
  "a kernel that says %s has heard the stop",
  (state) => {
    const interrupt = vi.fn(async () => {});
    const [model, kernel] = [new FakeModel({}, { kernel: { id: "k", interrupt } }), new Kernel()];
    const session = new Session(model);
    session.stop.press();
    model.receive(wire(kernel.status(state)));
    vi.advanceTimersByTime(10_000);
    expect(interrupt).not.toHaveBeenCalled();
  },
);

test("the mode is read when it matters: a run moved to the background is not interrupted", () => {
  const interrupt = vi.fn(async () => {});
  const model = new FakeModel({}, { kernel: { id: "k", interrupt } });
  const session = new Session(model);
  session.stop.press();
  model.traits.mode = "background";
  vi.advanceTimersByTime(10_000);
  expect(interrupt).not.toHaveBeenCalled();
});

test("after dispose nothing is heard, asked or left running", () => {
  const [model, kernel] = [new FakeModel(), new Kernel()];
  const session = new Session(model);
  kernel.delta("lost");
  model.receive(wire(kernel.delta("a")));
  session.dispose();
  vi.advanceTimersByTime(60_000);
  expect([model.sent.length, model.listeners.size, vi.getTimerCount()]).toEqual([1, 0, 0]);
});
