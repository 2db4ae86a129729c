import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Host } from "../../src/page-model/host.ts";

const FAKE = readFileSync("../../tests/browser/fake-language-model.js", "utf8");

type Said = Record<string, unknown> & { op: string };

interface Steer {
  state: string;
  chunks: (input: string) => Iterable<unknown>;
  interval: number;
  downloadMs: number;
  window: number;
  needsClick: boolean;
  log: { call: string; input?: unknown }[];
}

const page = globalThis as typeof globalThis & { fakeModel: Steer; LanguageModel?: unknown };

class Answer implements Host {
  readonly said: Said[] = [];
  shown: HTMLElement | null = null;
  readonly browser: (host: Host, content: unknown) => void;
  client = "";

  constructor(browser: (host: Host, content: unknown) => void) {
    this.browser = browser;
  }

  send(content: unknown): void {
    this.said.push(structuredClone(content) as Said);
  }

  slot(node: HTMLElement | null): void {
    this.shown?.remove();
    this.shown = node;
    if (node) document.body.append(node);
  }

  tell(op: string, more: object = {}): void {
    this.browser(this, { kind: "browser", op, ...more });
  }

  async hello(): Promise<Said> {
    this.tell("who");
    const hello = await this.until("hello");
    this.client = String(hello.client);
    this.said.length = 0;
    return hello;
  }

  run(content: string | object[], more: object = {}, id = "1"): void {
    const messages = typeof content === "string" ? [{ role: "user", content }] : content;
    const prompt = { messages, schema: null, stop: [], inputs: ["en"], outputs: ["en"], ...more };
    this.tell("run", { client: this.client, id, prompt, js: null });
  }

  script(js: string, id = "1"): void {
    this.tell("run", { client: this.client, id, prompt: null, js });
  }

  async until(...ops: string[]): Promise<Said> {
    for (let step = 0; step < 3000; step++) {
      const found = this.said.find(({ op }) => ops.includes(op));
      if (found) return found;
      await vi.advanceTimersByTimeAsync(1);
      if (step % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(`no ${ops} in ${JSON.stringify(this.said)}`);
  }

  end(): Promise<Said> {
    return this.until("done", "error");
  }

  get ops(): string[] {
    return this.said.map(({ op }) => op);
  }

  get text(): string {
    return this.said
      .flatMap(({ parts }) => (parts ?? []) as [string, number][])
      .map(([text]) => text)
      .join("");
  }
}

let make: () => Answer;
let answer: Answer;

function calls(): string[] {
  return page.fakeModel.log.map(({ call }) => call);
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  vi.resetModules();
  new Function(FAKE)();
  Object.assign(page.fakeModel, { interval: 0 });
  const { default: browser } = await import("../../src/page-model/browser.ts");
  make = () => new Answer(browser);
  answer = make();
  await answer.hello();
});

afterEach(() => {
  answer.browser(answer, null);
  vi.useRealTimers();
});

test("a run is created, streamed and done, with numbers in order", async () => {
  page.fakeModel.chunks = () => ["one ", "two ", "three"];
  answer.run("Hello");
  const done = await answer.end();
  expect(done).toMatchObject({ op: "done", stopped: null, overflows: 0, window: 100_000 });
  expect(answer.text).toBe("one two three");
  expect(answer.said[0]).toMatchObject({ op: "created", reused: false, usage: 0, input: 5 });
  expect(answer.said.map(({ seq }) => seq)).toEqual(answer.said.map((_, at) => at));
  for (const said of answer.said) expect(said).toMatchObject({ id: "1", client: answer.client });
});

test("hello says what is here, and why not", async () => {
  page.fakeModel.state = "unavailable";
  expect(await answer.hello()).toMatchObject({
    state: "unavailable",
    reason: expect.stringMatching(/^NotSupportedError: Unable to create/),
  });
  await answer.hello();
  expect(calls()).toEqual(["create"]);
  const models = page.LanguageModel;
  page.LanguageModel = undefined;
  vi.stubGlobal("isSecureContext", false);
  expect(await answer.hello()).toMatchObject({ state: "insecure", reason: "" });
  vi.stubGlobal("isSecureContext", true);
  expect(await answer.hello()).toMatchObject({ state: "no-api" });
  page.LanguageModel = { availability: () => new Promise(() => {}) };
  expect(await answer.hello()).toMatchObject({ state: "unavailable", reason: /TimeoutError/ });
  page.LanguageModel = models;
  vi.unstubAllGlobals();
});

test("who is answered, and other pages' runs, known ids and unknown words are not", async () => {
  answer.tell("run", { client: "another", id: "9", prompt: null, js: "['x']" });
  answer.tell("nonsense", { id: "9" });
  answer.tell("abort", { id: "9" });
  answer.script("['a']");
  answer.script("['b']");
  await answer.end();
  expect(answer.text).toBe("a");
  expect(answer.ops.filter((op) => op === "done")).toHaveLength(1);
});

test("chunks of one frame go together", async () => {
  Object.assign(page.fakeModel, { chunks: () => Array(64).fill("x"), interval: 4 });
  answer.run("Hello");
  await answer.end();
  const parts = answer.said.filter(({ op }) => op === "chunk").map(({ parts }) => parts);
  expect(answer.text).toBe("x".repeat(64));
  expect(parts.length).toBeLessThanOrEqual(20);
  expect(parts[0]).toHaveLength(1);
  expect(answer.said.at(-1)).toMatchObject({ ttft_ms: expect.any(Number) });
});

test("a hundred thousand chunks leave the page its turns, and little in memory", async () => {
  let turns = 0;
  let going = true;
  const count = () => {
    turns++;
    if (going) setImmediate(count);
  };
  vi.useRealTimers();
  page.fakeModel.chunks = () => Array(100_000).fill("x");
  setImmediate(count);
  answer.run("Hello");
  const ended = (): Said | undefined => answer.said.find(({ op }) => op === "done");
  while (!ended()) await new Promise((resolve) => setImmediate(resolve));
  going = false;
  expect(answer.text).toHaveLength(100_000);
  expect(turns).toBeGreaterThan(5);
}, 20_000);

test("what was lost is said again, and what has arrived is not", async () => {
  answer.script("['a', 'b']");
  await answer.end();
  const before = answer.said.length;
  const ping = (next: number) => answer.tell("ping", { client: answer.client, next: { 1: next } });
  ping(1);
  expect(answer.said.slice(before).map(({ op }) => op)).toEqual(["pong"]);
  vi.advanceTimersByTime(1001);
  ping(1);
  expect(answer.said.slice(before + 2).map(({ seq }) => seq)).toEqual(
    answer.said.slice(1, before).map(({ seq }) => seq),
  );
  const all = answer.said.length;
  answer.tell("over", { id: "1" });
  vi.advanceTimersByTime(5000);
  ping(0);
  expect(answer.said).toHaveLength(all + 1);
});

test("the next turn goes on in the session; a new talk clones the warm base", async () => {
  page.fakeModel.chunks = () => ["yes"];
  const system = { role: "system", content: "Be brief." };
  const one = { role: "user", content: "1" };
  const said = { role: "assistant", content: "yes" };
  answer.run([system, one]);
  await answer.end();
  expect(calls()).toEqual(["create", "clone", "prompt"]);
  const next = make();
  next.client = answer.client;
  next.run([system, one, said, { role: "user", content: "2" }]);
  await next.end();
  expect(next.said[0]).toMatchObject({ op: "created", reused: true, usage: 13 });
  expect(page.fakeModel.log.at(-1)).toMatchObject({ input: [{ content: "2" }] });
  next.run([system, one], {}, "2");
  await vi.waitUntil(() => next.ops.filter((op) => op === "done").length === 2);
  expect(calls().filter((call) => call === "create")).toHaveLength(1);
});

test("at most four sessions are kept", async () => {
  for (let at = 0; at < 6; at++) {
    answer.said.length = 0;
    answer.run([{ role: "user", content: `${at}` }], {}, `${at}`);
    await answer.end();
  }
  const count = (name: string) => calls().filter((call) => call === name).length;
  const made = count("create") + count("clone");
  expect(made - count("destroy")).toBe(4);
});

test("a base the browser has ended is made anew", async () => {
  answer.run("a");
  await answer.end();
  const models = page.LanguageModel as { prototype: { clone: unknown } };
  const clone = models.prototype.clone;
  let refused = false;
  models.prototype.clone = async function (this: unknown, options: unknown) {
    if (refused) return (clone as (options: unknown) => unknown).call(this, options);
    refused = true;
    throw new DOMException("gone", "InvalidStateError");
  };
  answer.said.length = 0;
  answer.run("b", {}, "2");
  expect(await answer.end()).toMatchObject({ op: "done" });
  expect(calls().filter((call) => call === "create")).toHaveLength(2);
});

test("runs side by side do not disturb each other", async () => {
  Object.assign(page.fakeModel, { chunks: (input: string) => [...input], interval: 3 });
  const other = make();
  other.client = answer.client;
  answer.run("first", {}, "a");
  other.run("second", {}, "b");
  await Promise.all([answer.end(), other.end()]);
  expect([answer.text, other.text]).toEqual(["first", "second"]);
});

test("a schema is the response's constraint; words to be continued go with their question", async () => {
  page.fakeModel.chunks = () => ["..."];
  const schema = { type: "object" };
  const messages = [
    { role: "user", content: "Q" },
    { role: "assistant", content: "A", prefix: true },
  ];
  answer.run(messages, { schema });
  await answer.end();
  expect(page.fakeModel.log.at(-1)).toEqual({
    call: "prompt",
    input: messages,
    responseConstraint: schema,
  });
  const next = make();
  next.client = answer.client;
  const said = { role: "assistant", content: "A..." };
  next.run([messages[0] ?? {}, said, { role: "user", content: "2" }]);
  await next.end();
  expect(next.said[0]).toMatchObject({ reused: true });
});

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])("a stop sequence ends it, cut at %i", async (cut) => {
  const text = "abcEND def".slice(0, 9);
  page.fakeModel.chunks = () => [text.slice(0, cut), text.slice(cut)];
  answer.run("go", { stop: ["END", "never"] });
  expect(await answer.end()).toMatchObject({ op: "done", stopped: "END" });
  expect(answer.text).toBe("abc");
  expect(calls()).toContain("abort");
  expect(calls().at(-1)).toBe("destroy");
});

test("what only began like a stop sequence is said at the end", async () => {
  page.fakeModel.chunks = () => ["abcE", "N"];
  answer.run("go", { stop: ["END"] });
  expect(await answer.end()).toMatchObject({ stopped: null });
  expect(answer.text).toBe("abcEN");
});

test("an abort keeps what came, says AbortError once, and its session is not kept", async () => {
  Object.assign(page.fakeModel, { chunks: () => Array(1000).fill("x"), interval: 5 });
  answer.run("go");
  await answer.until("chunk");
  answer.tell("abort", { id: "1" });
  answer.tell("abort", { id: "1" });
  expect(await answer.end()).toMatchObject({ name: "AbortError", stage: "stream" });
  await vi.advanceTimersByTimeAsync(100);
  expect(answer.ops.filter((op) => op === "error")).toHaveLength(1);
  expect(calls()).toEqual(["create", "clone", "prompt", "abort", "destroy"]);
});

test("an abort during a download ends it", async () => {
  page.fakeModel.state = "downloadable";
  answer.run("go");
  await answer.until("progress");
  answer.tell("abort", { id: "1" });
  expect(await answer.end()).toMatchObject({ name: "AbortError", stage: "create" });
});

test("a session that comes after an abort is destroyed", async () => {
  let give: (session: object) => void = () => {};
  const destroy = vi.fn();
  page.LanguageModel = {
    availability: async () => "available",
    create: () =>
      new Promise((resolve) => {
        give = resolve;
      }),
  };
  answer.run("go");
  await vi.advanceTimersByTimeAsync(5);
  answer.tell("abort", { id: "1" });
  expect(await answer.end()).toMatchObject({ name: "AbortError", stage: "create" });
  give({ destroy });
  await vi.advanceTimersByTimeAsync(5);
  expect(destroy).toHaveBeenCalledOnce();
});

test("a download is told, at most ten times a second", async () => {
  Object.assign(page.fakeModel, { state: "downloadable", downloadMs: 300 });
  answer.run("go");
  await answer.end();
  const progress = answer.said.filter(({ op }) => op === "progress");
  expect(progress.length).toBeGreaterThanOrEqual(2);
  expect(progress.length).toBeLessThanOrEqual(4);
});

test("where a click is needed a button starts the model, within the click", async () => {
  Object.assign(page.fakeModel, { state: "downloadable", needsClick: true });
  answer.run("go");
  await answer.until("gesture");
  const button = answer.shown?.querySelector("button");
  expect(button?.dataset.lmSuppressShortcuts).toBe("true");
  expect(answer.shown?.textContent).toContain("Nothing leaves this machine");
  vi.advanceTimersByTime(60_000);
  button?.click();
  expect(answer.shown).toBeNull();
  expect(await answer.end()).toMatchObject({ op: "done" });
  const created = answer.said.find(({ op }) => op === "created");
  expect(created?.ms).toBeLessThan(1000);
});

test("an abort takes the button away", async () => {
  Object.assign(page.fakeModel, { state: "downloadable", needsClick: true });
  answer.run("go");
  await answer.until("gesture");
  answer.tell("abort", { id: "1" });
  expect(answer.shown).toBeNull();
  expect(await answer.end()).toMatchObject({ name: "AbortError", stage: "create" });
});

test("a prompt that is too long says by how much", async () => {
  page.fakeModel.window = 4;
  answer.run("too long");
  expect(await answer.end()).toMatchObject({
    name: "QuotaExceededError",
    quota: 4,
    requested: 8,
    stage: "prompt",
  });
});

test("old turns that are dropped are counted", async () => {
  Object.assign(page.fakeModel, { window: 10, chunks: () => ["x".repeat(20)] });
  answer.run("go");
  expect(await answer.end()).toMatchObject({ op: "done", overflows: 1 });
});

test.each([
  ["NotSupportedError", "create"],
  ["NotAllowedError", "create"],
  ["NetworkError", "create"],
  ["QuotaExceededError", "create"],
])("%s of create() is said as it is", async (name, stage) => {
  const error = Object.assign(new Error("why"), { name });
  page.LanguageModel = {
    availability: async () => "available",
    create: () => {
      throw error; // synchronously, too
    },
  };
  answer.run("go");
  expect(await answer.end()).toMatchObject({ name, stage, message: "why" });
  expect(answer.shown).toBeNull();
});

test.each(["InvalidStateError", "TypeError", "NotReadableError", "OperationError"])(
  "%s of promptStreaming(), thrown or in the stream, is said as it is",
  async (name) => {
    const error = Object.assign(new Error("why"), { name });
    const models = page.LanguageModel as { prototype: { promptStreaming: unknown } };
    models.prototype.promptStreaming = () => {
      throw error;
    };
    answer.run("go");
    expect(await answer.end()).toMatchObject({ name, stage: "prompt" });
    models.prototype.promptStreaming = () =>
      new ReadableStream({
        pull(controller) {
          controller.error(error);
        },
      });
    answer.said.length = 0;
    answer.run("go", {}, "2");
    expect(await answer.end()).toMatchObject({ name });
    expect(calls().filter((call) => call === "destroy")).toHaveLength(2);
  },
);

test.each([
  [
    "(async function* () { yield 'a'; yield new TextEncoder().encode('b'); yield {c: 1} })()",
    'ab{"c":1}',
  ],
  ["['a', 'b'];", "ab"],
  ["new Response('öä')", "öä"],
  ["({ signal }) => Promise.resolve([`${signal.aborted}`])", "false"],
  ["await Promise.resolve(new ReadableStream({ start(c) { c.enqueue('x'); c.close(); } }))", "x"],
  ["[new Uint8Array([0xc3]), new Uint8Array([0xa4])]", "ä"],
])("%s streams", async (js, text) => {
  answer.script(js);
  expect(await answer.end()).toMatchObject({ op: "done" });
  expect(answer.text).toBe(text);
});

test.each([
  ["nobody.knows", "ReferenceError"],
  ["(", "SyntaxError"],
  ["12", "TypeError"],
  ["(function* () { yield 'a'; throw new RangeError('x') })()", "RangeError"],
])("%s fails by name", async (js, name) => {
  answer.script(js);
  expect(await answer.end()).toMatchObject({ stage: "js", name });
});

test("a script that never gives anything can be aborted", async () => {
  answer.script("({ async *[Symbol.asyncIterator]() { await new Promise(() => {}) } })");
  await vi.advanceTimersByTimeAsync(20);
  answer.tell("abort", { id: "1" });
  expect(await answer.end()).toMatchObject({ stage: "js", name: "AbortError" });
});

test("a page that goes, or a session that is disposed, says bye if a run is going on", async () => {
  Object.assign(page.fakeModel, { chunks: () => Array(1000).fill("x"), interval: 5 });
  const idle = make();
  await idle.hello();
  answer.run("go");
  await answer.until("chunk");
  dispatchEvent(new Event("pagehide"));
  expect(answer.said.at(-1)).toMatchObject({ op: "bye", client: answer.client });
  expect(idle.said).toEqual([]);
  await answer.end();
  answer.said.length = 0;
  answer.run("go", {}, "2");
  await answer.until("chunk");
  answer.browser(answer, null);
  expect(answer.ops).toContain("bye");
  expect(await answer.end()).toMatchObject({ name: "AbortError" });
});
