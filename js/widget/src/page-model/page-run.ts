import { pieces, unlessAborted } from "./abortable.ts";
import type { Host, Prompt } from "./host.ts";
import type { CreateOptions, LanguageModel, LanguageModelClass } from "./language-model.ts";
import { languageModel, measure, usageOf, windowOf } from "./language-model.ts";
import type { Outbox } from "./outbox.ts";
import { read, streamed, Texts } from "./page-stream.ts";
import type { Sessions } from "./sessions.ts";
import { StartButton } from "./start-button.ts";
import { StopSequences } from "./stop-sequences.ts";

type Stage = "create" | "prompt" | "stream" | "js";

/** One run, from its first word to its one `done` or `error`. */
export class PageRun {
  readonly outbox: Outbox;
  readonly host: Host;
  ended = false;
  readonly #abort = new AbortController();
  readonly #texts = new Texts();
  #stage: Stage = "create";
  #waited = 0;
  #overflows = 0;
  #ttft: number | null = null;

  constructor(host: Host, outbox: Outbox) {
    this.host = host;
    this.outbox = outbox;
  }

  abort(): void {
    if (this.ended) return;
    this.#abort.abort();
    this.host.slot(null);
  }

  async prompt(prompt: Prompt, sessions: Sessions): Promise<void> {
    await this.#settled(() => this.#prompted(prompt, sessions));
  }

  /** `expression` is the user's own JavaScript, as in any output of a notebook. */
  async script(expression: string): Promise<void> {
    this.#stage = "js";
    await this.#settled(async () => {
      const began = performance.now();
      const body = expression.trim().replace(/;+$/, "");
      const value: unknown = new Function(`return (async () => (${body}\n))()`)();
      const stream = await unlessAborted(this.#signal, streamed(value, this.#signal));
      this.outbox.say("created", {
        ms: null,
        reused: false,
        usage: null,
        window: null,
        input: null,
      });
      for await (const piece of pieces(stream, this.#signal))
        this.#chunk(this.#texts.of(piece), began);
      this.#chunk(this.#texts.rest(), began);
      this.#done(began, null, null);
    });
  }

  get #signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whatever is thrown, at once or later, is said; a run has one end. */
  async #settled(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.host.slot(null);
      const why = described(this.#signal.aborted ? this.#signal.reason : error);
      this.outbox.say("error", { stage: this.#stage, ...why });
    } finally {
      this.ended = true;
    }
  }

  async #prompted(prompt: Prompt, sessions: Sessions): Promise<void> {
    const from = performance.now();
    const opening = sessions.open(prompt, (options) => this.#create(options), this.#signal);
    const { session, input, reused } = await unlessAborted(this.#signal, opening, ({ session }) =>
      session.destroy(),
    );
    const ms = performance.now() - from - this.#waited;
    const stops = new StopSequences(prompt.stop);
    const count = () => this.#overflows++;
    for (const name of ["contextoverflow", "quotaoverflow"]) session.addEventListener(name, count);
    let keep = false;
    let answer = "";
    try {
      this.#stage = "prompt";
      const tokens = await unlessAborted(this.#signal, measure(session, input));
      const usage = usageOf(session);
      this.outbox.say("created", { ms, reused, usage, window: windowOf(session), input: tokens });
      const began = performance.now();
      const stream = session.promptStreaming(input, {
        signal: this.#signal,
        ...(prompt.schema && { responseConstraint: prompt.schema }),
      });
      for await (const piece of pieces(read(stream, this.#signal), this.#signal)) {
        this.#stage = "stream";
        const text = this.#texts.of(piece);
        answer += text;
        this.#chunk(stops.feed(text), began);
        if (stops.found !== null) break;
      }
      this.#chunk(stops.rest(), began);
      keep = stops.found === null;
      this.#done(began, session, stops.found);
    } finally {
      for (const name of ["contextoverflow", "quotaoverflow"])
        session.removeEventListener(name, count);
      // An abort takes the pair out of the session: it has not had this conversation.
      if (keep) sessions.keep(prompt, answer, session);
      else session.destroy();
    }
  }

  #chunk(text: string, began: number): void {
    if (text === "") return;
    const ms = performance.now() - began;
    this.#ttft ??= ms;
    this.outbox.chunk(text, ms);
  }

  #done(began: number, session: LanguageModel | null, stopped: string | null): void {
    this.outbox.say("done", {
      ttft_ms: this.#ttft,
      total_ms: performance.now() - began,
      // What was stopped is not counted yet, or not any more.
      usage: session && stopped === null ? usageOf(session) : null,
      window: session && windowOf(session),
      overflows: this.#overflows,
      stopped,
    });
  }

  async #create(options: CreateOptions): Promise<LanguageModel> {
    const model = languageModel();
    if (!model) throw new DOMException("LanguageModel is not defined", "NotSupportedError");
    // Not the run's own signal: one that fires later would end a session that is kept.
    const making = new AbortController();
    const stop = (): void => making.abort(this.#signal.reason);
    this.#signal.addEventListener("abort", stop);
    const monitor = (each: EventTarget): void => this.#watch(each);
    try {
      return await this.#made(model, { ...options, signal: making.signal, monitor });
    } finally {
      this.#signal.removeEventListener("abort", stop);
    }
  }

  async #made(model: LanguageModelClass, options: CreateOptions): Promise<LanguageModel> {
    const state = await unlessAborted(this.#signal, model.availability(options));
    const cold = state === "downloadable" || state === "downloading";
    if (cold && navigator.userActivation?.hasBeenActive === false) {
      return this.#clicked(() => model.create(options));
    }
    try {
      return await model.create(options);
    } catch (error) {
      if (this.#signal.aborted || !wantsClick(error)) throw error;
      return this.#clicked(() => model.create(options));
    }
  }

  /** Makes it within a click: the browser has to see one. */
  async #clicked(create: () => Promise<LanguageModel>): Promise<LanguageModel> {
    const from = performance.now();
    const making = new Promise<LanguageModel>((resolve, reject) => {
      const button = new StartButton(() => {
        this.#waited += performance.now() - from;
        create().then(resolve, reject);
        this.host.slot(null);
      });
      this.host.slot(button.node);
    });
    this.outbox.say("gesture");
    return unlessAborted(this.#signal, making);
  }

  #watch(monitor: EventTarget): void {
    let saidAt = Number.NEGATIVE_INFINITY;
    monitor.addEventListener("downloadprogress", (event) => {
      const loaded = "loaded" in event && typeof event.loaded === "number" ? event.loaded : 0;
      // 0 and 1 come without any download, too.
      if (loaded <= 0 || loaded >= 1 || performance.now() - saidAt < 100) return;
      saidAt = performance.now();
      this.outbox.say("progress", { loaded });
    });
  }
}

function wantsClick(error: unknown): boolean {
  return (
    error instanceof Error && error.name === "NotAllowedError" && error.message.includes("gesture")
  );
}

function described(error: unknown): {
  name: string;
  message: string;
  quota: number | null;
  requested: number | null;
} {
  const { name, message, quota, requested } = (error ?? {}) as Partial<Record<string, unknown>>;
  return {
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : `${error}`,
    quota: typeof quota === "number" ? quota : null,
    requested: typeof requested === "number" ? requested : null,
  };
}
