/**
 * A `LanguageModel` of ours for tests: the W3C Prompt API's contract as Chromium 156 was seen to keep it, with
 * words that a test chooses. Steered by `globalThis.fakeModel`:
 *
 *   state       what availability() says
 *   chunks      (text of the input) => the answer's chunks, an iterable
 *   interval    ms between chunks; 0: as fast as it can
 *   downloadMs  how long a download takes
 *   window      tokens the context takes; a token is a character
 *   needsClick  create() works only from within a click
 *   refusal     what create() says where the model is unavailable
 *   log         what was called: {call: "create" | "clone" | "prompt" | "abort" | "destroy", ...}
 */
(() => {
  const steer = {
    state: "available",
    chunks: (input) => [`You said: `, input],
    interval: 5,
    downloadMs: 200,
    window: 100_000,
    needsClick: false,
    refusal: "Unable to create a text session because the service is not running.",
    log: [],
  };
  globalThis.fakeModel = steer;

  const text = (input) =>
    typeof input === "string" ? input : input.map(({ content }) => content).join("");
  const plain = (value) => JSON.parse(JSON.stringify(value));
  const refuse = (message, name) => new DOMException(message, name);
  const wait = (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort, { once: true });
    });

  let clicking = false;
  globalThis.addEventListener?.(
    "click",
    () => {
      clicking = true;
      setTimeout(() => {
        clicking = false;
      }, 0);
    },
    true,
  );

  /** Not a DOMException, in Chromium. */
  class QuotaExceededError extends Error {
    constructor(message, { quota, requested }) {
      super(message);
      this.name = "QuotaExceededError";
      this.quota = quota;
      this.requested = requested;
    }
  }
  const tooLarge = (requested) =>
    new QuotaExceededError("The input is too large.", { quota: steer.window, requested });

  function checkRoles(messages, isFirst) {
    for (const [index, { role, prefix }] of messages.entries()) {
      if (role === "system" && !(isFirst && index === 0)) {
        throw new TypeError("The system message must be the first of a session.");
      }
      if (prefix && (role !== "assistant" || index !== messages.length - 1)) {
        throw refuse("prefix is for the last message, of the assistant.", "SyntaxError");
      }
    }
  }

  class LanguageModel extends EventTarget {
    #initial;
    #pairs;
    #end = new AbortController();

    constructor(initial, pairs) {
      super();
      this.#initial = initial;
      this.#pairs = pairs;
    }

    static async availability(options = {}) {
      for (const { languages = [] } of [
        ...(options.expectedInputs ?? []),
        ...(options.expectedOutputs ?? []),
      ]) {
        Intl.getCanonicalLocales(languages); // RangeError
      }
      return steer.state;
    }

    static async create(options = {}) {
      const { signal, initialPrompts = [], monitor } = options;
      signal?.throwIfAborted();
      if (steer.state === "unavailable") {
        steer.log.push({ call: "create", refused: true });
        throw refuse(steer.refusal, "NotSupportedError");
      }
      const loads = steer.state !== "available";
      const active = steer.needsClick
        ? clicking
        : (globalThis.navigator?.userActivation?.hasBeenActive ?? true);
      if (loads && !active) {
        throw refuse(
          'Requires a user gesture when availability is "downloading" or "downloadable".',
          "NotAllowedError",
        );
      }
      steer.log.push({ call: "create", initialPrompts: plain(initialPrompts) });
      checkRoles(initialPrompts, true);
      const events = new EventTarget();
      monitor?.(events);
      const tell = (loaded) =>
        events.dispatchEvent(
          Object.assign(new Event("downloadprogress"), { loaded, total: 1 }),
        );
      tell(0);
      if (loads) {
        steer.state = "downloading";
        for (let step = 1; step < 10; step++) {
          await wait(steer.downloadMs / 10, signal);
          tell(step / 10);
        }
        steer.state = "available";
      }
      await Promise.resolve();
      signal?.throwIfAborted();
      tell(1);
      const size = text(initialPrompts).length;
      if (size > steer.window) throw tooLarge(size);
      return new LanguageModel(size, []);
    }

    get contextUsage() {
      return this.#initial + this.#pairs.reduce((sum, pair) => sum + pair, 0);
    }

    get contextWindow() {
      return steer.window;
    }

    async measureContextUsage(input) {
      this.#check();
      return text(input).length;
    }

    async clone({ signal } = {}) {
      signal?.throwIfAborted();
      this.#check();
      steer.log.push({ call: "clone" });
      return new LanguageModel(this.#initial, [...this.#pairs]);
    }

    destroy() {
      if (this.#end.signal.aborted) return;
      steer.log.push({ call: "destroy" });
      this.#end.abort(refuse("The session has been destroyed.", "InvalidStateError"));
    }

    async prompt(input, options) {
      let all = "";
      const reader = this.promptStreaming(input, options).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return all;
        all += value;
      }
    }

    /** Throws synchronously what Chromium does. */
    promptStreaming(input, options = {}) {
      this.#check();
      const { signal, responseConstraint } = options;
      signal?.throwIfAborted();
      if (responseConstraint !== undefined && Object(responseConstraint) !== responseConstraint) {
        throw new TypeError("responseConstraint is no object.");
      }
      if (typeof input !== "string") checkRoles(input, this.contextUsage === 0);
      const said = { call: "prompt", input: plain(input) };
      if (responseConstraint) said.responseConstraint = plain(responseConstraint);
      steer.log.push(said);
      return this.#answer(text(input), signal);
    }

    #answer(input, signal) {
      const either = AbortSignal.any([this.#end.signal, ...(signal ? [signal] : [])]);
      let chunks;
      let used = input.length;
      let isOver = false;
      const abort = () => isOver || steer.log.push({ call: "abort" });
      signal?.addEventListener("abort", abort, { once: true });
      return new ReadableStream(
        {
          start: (controller) =>
            either.addEventListener("abort", () => isOver || controller.error(either.reason), {
              once: true,
            }),
          pull: async (controller) => {
            if (!chunks) {
              await Promise.resolve();
              if (this.#initial + input.length > steer.window) {
                isOver = true;
                throw tooLarge(input.length);
              }
              chunks = steer.chunks(input)[Symbol.iterator]();
            }
            if (steer.interval > 0) await wait(steer.interval, either);
            if (either.aborted) return;
            const { done, value } = chunks.next();
            if (done) {
              isOver = true;
              this.#add(used);
              controller.close();
            } else {
              used += typeof value === "string" ? value.length : 1;
              controller.enqueue(value);
            }
          },
          cancel: () => {
            if (!isOver && !either.aborted) steer.log.push({ call: "abort" });
            isOver = true;
          },
        },
        { highWaterMark: 0 },
      );
    }

    /** The oldest pairs make room. */
    #add(used) {
      this.#pairs.push(used);
      if (this.contextUsage <= steer.window) return;
      while (this.contextUsage > steer.window && this.#pairs.length > 1) this.#pairs.shift();
      this.dispatchEvent(new Event("contextoverflow"));
    }

    #check() {
      this.#end.signal.throwIfAborted();
    }
  }

  globalThis.LanguageModel = LanguageModel;
  globalThis.QuotaExceededError ??= QuotaExceededError;
})();
