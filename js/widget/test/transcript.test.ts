import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallState, Channel, RunMessage } from "../src/messages.ts";
import { Transcript } from "../src/transcript.ts";
import { Kernel } from "./kernel.ts";

const CHANNELS: Channel[] = ["text", "reasoning", "value", "turn", "tool:0", "tool:1"];

function blocks(transcript: Transcript): [Channel, string][] {
  return transcript.parts.map((part) => [
    part.channel,
    transcript.pieces.flatMap((piece) => (piece.part === part ? [piece.text] : [])).join(""),
  ]);
}

test("consecutive pieces of a channel make one part", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.apply(kernel.delta("Hm", "reasoning"), 1);
  transcript.apply(kernel.delta("m.", "reasoning"), 2);
  transcript.apply(kernel.delta("Tokyo"), 3);
  expect(blocks(transcript)).toEqual([
    ["reasoning", "Hmm."],
    ["text", "Tokyo"],
  ]);
});

test("a message seen before changes nothing", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  const delta = kernel.delta("once");
  expect(transcript.apply(delta, 1)).toBe("applied");
  expect(transcript.apply(delta, 2)).toBe("ignored");
  expect(transcript.text).toBe("once");
});

test("of a delta that overlaps only the new end is taken", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.apply(kernel.delta("abcd"), 1);
  transcript.apply({ ...kernel.delta("ef"), at: 2, text: "cdef" }, 2);
  expect(transcript.text).toBe("abcdef");
});

test("text behind a gap is held out until a snapshot fills it", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.apply(kernel.delta("a"), 1);
  kernel.delta("b");
  expect(transcript.apply(kernel.delta("c"), 2)).toBe("missing");
  expect(transcript.text).toBe("a");
  expect(transcript.apply(kernel.snapshot(transcript.have), 3)).toBe("applied");
  expect(transcript.text).toBe("abc");
  expect(transcript.apply(kernel.delta("d"), 4)).toBe("applied");
});

test("a lost status is missed too, but does not hold up the text", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  kernel.status("streaming");
  expect(transcript.apply(kernel.delta("a"), 1)).toBe("missing");
  expect(transcript.text).toBe("a");
  expect(transcript.state).toBe("streaming");
});

test("a snapshot that agrees with the text lets views go on where they are", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.apply(kernel.delta("ab"), 1);
  transcript.apply(kernel.delta("cd"), 2);
  transcript.apply(kernel.snapshot(0), 3);
  expect([transcript.revision, transcript.pieces.length]).toEqual([0, 2]);
});

test("a snapshot that contradicts the text replaces it from its offset on", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.apply(kernel.delta("think", "reasoning"), 1);
  transcript.apply(kernel.delta("wrong"), 2);
  transcript.apply({ ...kernel.snapshot(), at: 5, parts: [["text", "right"]] }, 3);
  expect(blocks(transcript)).toEqual([
    ["reasoning", "think"],
    ["text", "right"],
  ]);
  expect([transcript.revision, transcript.have]).toEqual([1, 10]);
});

test("a snapshot from beyond our text is a gap itself", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  kernel.delta("lost");
  expect(transcript.apply(kernel.snapshot(4), 1)).toBe("missing");
  expect(transcript.have).toBe(0);
});

test("a trait taken before anything was sent is a start as good as any", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  transcript.restore({ ...new Kernel().snapshot(), seq: 0, state: "loading" }, 0);
  expect(transcript.state).toBe("loading");
  expect(transcript.apply(kernel.delta("a"), 1)).toBe("applied");
});

test("after a reload the trait stands in for all messages up to its number", () => {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  const before = [kernel.delta("ab"), kernel.delta("cd")];
  transcript.restore(kernel.snapshot(), 0);
  for (const delta of before) expect(transcript.apply(delta, 1)).toBe("ignored");
  transcript.apply(kernel.delta("ef"), 2);
  expect(transcript.text).toBe("abcdef");
});

describe("calls", () => {
  test("stand as they were told last, whatever the order", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.delta("f\n{}", "tool:0"), 1);
    const [running, done] = [kernel.call(0, "running"), kernel.call(0, "done", { text: "7" })];
    transcript.apply(done, 2);
    transcript.apply(running, 3);
    expect(transcript.calls.get(0)).toMatchObject({ state: "done", text: "7" });
  });

  test("that nobody heard of are in the snapshot, as is the budget", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.delta("f\n{}", "tool:0"), 1);
    kernel.call(0, "failed", { error: "ValueError: no" });
    kernel.spent(0.5);
    expect(transcript.apply(kernel.delta("f\n{}", "tool:1"), 2)).toBe("missing");
    transcript.apply(kernel.snapshot(transcript.have), 3);
    expect(transcript.calls.get(0)).toMatchObject({ state: "failed", error: "ValueError: no" });
    expect(transcript.spent).toMatchObject({ share: 0.5, text: "250 of 500 tokens" });
  });

  test("a snapshot that comes late takes nothing back", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.call(0, "asking"), 1);
    transcript.apply(kernel.spent(0.1), 1);
    const snapshot = kernel.snapshot();
    transcript.apply(kernel.call(0, "done"), 2);
    transcript.apply(kernel.spent(0.9), 2);
    transcript.apply(snapshot, 3);
    expect([transcript.calls.get(0)?.state, transcript.spent?.share]).toEqual(["done", 0.9]);
  });
});

describe("another request", () => {
  test("does not stream before its first token", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.delta("f\n{}", "tool:0"), 1);
    transcript.apply(kernel.status("waiting"), 2);
    transcript.apply(kernel.delta("2 tools", "turn"), 3);
    expect(transcript.state).toBe("waiting");
  });

  test("has a pace of its own: what the functions took is not in it", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.delta("f\n{}", "tool:0", 100), 1);
    transcript.apply(kernel.delta("2 tools", "turn", 9000), 2);
    transcript.apply(kernel.delta("So", "text", 9200), 3);
    expect(transcript.first?.ms).toBe(9200);
  });
});

describe("elapsed", () => {
  test("counts from the start the fastest message knew, and never back", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.status("waiting", { elapsed: 0.1 }), 1000);
    expect(transcript.elapsed(2000)).toBeCloseTo(1.1);
    transcript.apply(kernel.status("streaming", { elapsed: 0.5 }), 2000); // 600 ms late
    expect(transcript.elapsed(2000)).toBeCloseTo(1.1);
  });

  test("is the kernel's own total at the end", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.status("done", { total: 8.4 }), 1000);
    expect(transcript.elapsed(99_000)).toBe(8.4);
  });

  test("counts the load by itself while there is no request", () => {
    const [kernel, transcript] = [new Kernel(), new Transcript(0)];
    transcript.apply(kernel.status("loading"), 1000);
    expect(transcript.elapsed(1400)).toBeCloseTo(0.4);
    transcript.apply(kernel.status("waiting"), 1500);
    expect(transcript.elapsed(1600)).toBeNull();
  });
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      channel: fc.constantFrom(...CHANNELS),
      text: fc.string({ minLength: 1, unit: "binary" }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      call: fc.nat(2),
      state: fc.constantFrom("asking" as const, "running" as const, "done" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.constant("status" as const) },
  { weight: 1, arbitrary: fc.constant("progress" as const) },
  { weight: 1, arbitrary: fc.constant("snapshot" as const) },
);
/** How often each message arrives: 0 is a drop, 2 a duplicate. */
const fate = fc.constantFrom(0, 1, 1, 1, 2);

describe("laws", () => {
  test("any drops and any duplicates followed by a resync give the whole text", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fate)), (script) => {
        const [kernel, transcript] = [new Kernel(), new Transcript(0)];
        for (const [what, times] of script) {
          const message = say(kernel, what);
          for (let time = 0; time < times; time++) transcript.apply(message, 0);
          expect(kernel.text.startsWith(transcript.text)).toBe(true);
          expect(transcript.have).toBe(transcript.text.length);
        }
        transcript.apply(kernel.snapshot(transcript.have), 0);
        expect(transcript.missing).toBe(false);
        expect(transcript.revision).toBe(0);
        expect(blocks(transcript)).toEqual(kernel.parts);
        expect(transcript.state).toBe(kernel.state);
        expectSame(transcript, kernel);
      }),
    );
  });

  test("messages in any order followed by a resync give the whole text", () => {
    const shuffled = fc
      .array(step, { maxLength: 12 })
      .chain((steps) =>
        fc.tuple(
          fc.constant(steps),
          fc.shuffledSubarray([...steps.keys()], { minLength: steps.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([steps, order]) => {
        const [kernel, transcript] = [new Kernel(), new Transcript(0)];
        const messages = steps.map((what) => say(kernel, what));
        for (const index of order) {
          const message = messages[index];
          if (message) transcript.apply(message, 0);
        }
        transcript.apply(kernel.snapshot(transcript.have), 0);
        expect(blocks(transcript)).toEqual(kernel.parts);
        expectSame(transcript, kernel);
      }),
    );
  });

  test("a page that is told everything twice is never missing anything", () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const [kernel, transcript] = [new Kernel(), new Transcript(0)];
        for (const message of steps.map((what) => say(kernel, what))) {
          expect(transcript.apply(message, 0)).toBe("applied");
          expect(transcript.apply(message, 0)).toBe("ignored");
        }
        expect(transcript.text).toBe(kernel.text);
      }),
    );
  });
});

function say(
  kernel: Kernel,
  what: typeof step extends fc.Arbitrary<infer T> ? T : never,
): RunMessage {
  if (what === "status") return kernel.status("streaming");
  if (what === "progress") return kernel.progress(1, 2);
  if (what === "snapshot") return kernel.snapshot(Math.floor(kernel.text.length / 2));
  if ("share" in what) return kernel.spent(what.share);
  if ("call" in what) return kernel.call(what.call, what.state);
  return kernel.delta(what.text, what.channel);
}

/** Calls and budget, but for the numbers of the messages that told them. */
function expectSame(transcript: Transcript, kernel: Kernel): void {
  const calls = [...transcript.calls].map(([call, { seq: _, ...told }]) => [call, told]);
  expect(new Map(calls as [number, CallState][])).toEqual(kernel.calls);
  const { seq: _, ...budget } = transcript.spent ?? { seq: 0 };
  expect(budget).toEqual(kernel.budget ?? {});
}
