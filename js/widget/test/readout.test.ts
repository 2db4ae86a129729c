import { describe, expect, test } from "vitest";
import { count, duration, latency, rate } from "../src/format.ts";
import type { State } from "../src/messages.ts";
import { readout } from "../src/readout.ts";
import type { Stop } from "../src/stop.ts";
import { Transcript } from "../src/transcript.ts";
import { Kernel } from "./kernel.ts";

const IDLE = { state: "idle", hint: "" } as const;

/** The readout after `play`, `later` ms after its last message. */
function readAfter(
  play: (kernel: Kernel, transcript: Transcript) => void,
  later = 0,
  stop: Pick<Stop, "state" | "hint"> = IDLE,
) {
  const [kernel, transcript] = [new Kernel(), new Transcript(0)];
  play(kernel, transcript);
  return readout(transcript, { now: later, heardAt: 0, stop });
}

function streaming(kernel: Kernel, transcript: Transcript): void {
  transcript.apply(kernel.status("streaming", { elapsed: 1 }), 0);
  for (let token = 0; token < 128; token++)
    transcript.apply(kernel.delta("x", "text", 312 + 10 * token), 0);
}

test.each([
  ["loading", "active", "loading the model"],
  ["connecting", "active", "connecting"],
  ["waiting", "active", "waiting for the first token"],
  ["prefill", "active", "reading the prompt"],
  ["streaming", "active", ""],
  ["asking", "active", "approve?"],
  ["calling", "active", "running tools"],
  ["stopping", "active", ""],
  ["done", "done", ""],
  ["interrupted", "warn", "interrupted"],
  ["stopped", "warn", "stopped"],
  ["truncated", "warn", "cut off at the token limit"],
  ["error", "error", "failed"],
] as const)("%s is %s: %j", (state, tone, phase) => {
  const said = readAfter((kernel, transcript) => transcript.apply(kernel.status(state), 0));
  expect([said.tone, said.phase]).toEqual([tone, phase]);
  expect(said.announcement).not.toBe("");
});

test("the kernel's own sentence takes the place of ours", () => {
  for (const state of ["waiting", "interrupted", "error", "truncated"] as State[]) {
    const said = readAfter((kernel, transcript) =>
      transcript.apply(kernel.status(state, {}, "as you wish"), 0),
    );
    expect(said.phase).toBe("as you wish");
  }
});

test("while it streams: first token, live rate, tokens, time", () => {
  const said = readAfter(streaming, 800);
  expect(said).toMatchObject({
    ttft: "312 ms",
    rate: "100",
    tokens: "128",
    elapsed: "1.8 s",
    aside: "",
    button: "stop",
  });
});

test("at the end the kernel's numbers win", () => {
  const said = readAfter((kernel, transcript) => {
    streaming(kernel, transcript);
    transcript.apply(
      kernel.status("done", {
        ttft: 0.54,
        ttfa: 2.614,
        total: 8.4,
        rate: 71.4,
        tokens: 1412,
        load: 0.42,
      }),
      0,
    );
  });
  expect(said).toMatchObject({
    load: "0.4 s",
    ttft: "540 ms",
    ttfa: "2.61 s",
    rate: "71",
    tokens: "1,412",
    elapsed: "8.4 s",
    button: "none",
    announcement: "answer complete: 1,412 tokens in 8.4 s",
  });
});

test("what is estimated is marked", () => {
  const said = readAfter((kernel, transcript) => {
    transcript.apply(kernel.status("done", { rate: 8.44, tokens: 9, estimated: true }), 0);
  });
  expect([said.rate, said.tokens]).toEqual(["~8.4", "~9"]);
});

test("the rate leaves out the tokens that came with the first message", () => {
  const said = readAfter((kernel, transcript) => {
    transcript.apply({ ...kernel.delta("abc"), n: 30, ms: 1000 }, 0);
    transcript.apply({ ...kernel.delta("def"), n: 80, ms: 2000 }, 0);
  });
  expect(said.rate).toBe("50");
});

test("no rate is told from too short a time", () => {
  const said = readAfter((kernel, transcript) => {
    transcript.apply({ ...kernel.delta("abc"), n: 1, ms: 1000 }, 0);
    transcript.apply({ ...kernel.delta("def"), n: 9, ms: 1001 }, 0);
  });
  expect([said.rate, said.tokens]).toEqual(["", "9"]);
});

test("prefill shows how much of the prompt is read", () => {
  const said = readAfter((kernel, transcript) => {
    transcript.apply(kernel.status("prefill", { elapsed: 0.4 }), 0);
    transcript.apply(kernel.progress(763, 1230), 0);
  });
  expect(said.progress?.text).toBe("763 of 1,230 tokens");
  expect(said.progress?.fraction).toBeCloseTo(0.62);
  expect(said.elapsed).toBe("0.4 s");
});

describe("silence", () => {
  test("is told from 5 s on, in whole seconds", () => {
    expect(readAfter(streaming, 4999).aside).toBe("");
    expect(readAfter(streaming, 5000)).toMatchObject({ aside: "no data for 5 s", worried: true });
    expect(readAfter(streaming, 7900).aside).toBe("no data for 7 s");
  });

  test("is nothing special once the run is over", () => {
    const said = readAfter(
      (kernel, transcript) => transcript.apply(kernel.status("done"), 0),
      60_000,
    );
    expect(said.aside).toBe("");
  });
});

describe("stop", () => {
  test("is answered at once", () => {
    expect(readAfter(streaming, 0, { state: "asked", hint: "" })).toMatchObject({
      aside: "stopping…",
      button: "stopping",
      announcement: "stopping",
    });
  });

  test("says why nothing happens", () => {
    expect(readAfter(streaming, 0, { state: "unheard", hint: "busy" })).toMatchObject({
      aside: "busy",
      worried: true,
      button: "stop",
    });
  });

  test("that came from the kernel side shows as well", () => {
    const said = readAfter((kernel, transcript) => transcript.apply(kernel.status("stopping"), 0));
    expect(said).toMatchObject({ aside: "stopping…", button: "stopping" });
  });
});

test("an error says one thing", () => {
  const said = readAfter((kernel, transcript) => {
    streaming(kernel, transcript);
    transcript.apply(kernel.status("error", { total: 3 }, "the server closed the connection"), 0);
  });
  expect([said.ttft, said.rate, said.tokens, said.elapsed]).toEqual(["", "", "", ""]);
});

test("numbers", () => {
  expect([0.0004, 0.312, 0.9996, 2.614].map(latency)).toEqual([
    "0 ms",
    "312 ms",
    "1.00 s",
    "2.61 s",
  ]);
  expect([0, 1.84, 99.94, 99.96, 125, 3600].map(duration)).toEqual([
    "0.0 s",
    "1.8 s",
    "99.9 s",
    "1 min 40 s",
    "2 min 05 s",
    "60 min 00 s",
  ]);
  expect([8.44, 9.96, 84.2, 1230].map(rate)).toEqual(["8.4", "10", "84", "1,230"]);
  expect(count(1234567)).toBe("1,234,567");
});
