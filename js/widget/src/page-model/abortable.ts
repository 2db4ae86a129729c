/** A stream that never waits must not hold up the page (ms). */
const BREATH = 12;

/** The promise's value, unless the signal comes first: not everything heeds one. What comes `late` is let go of. */
export async function unlessAborted<T>(
  signal: AbortSignal,
  promise: PromiseLike<T>,
  late: (value: T) => void = () => {},
): Promise<T> {
  let cancel = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    cancel = () => reject(signal.reason);
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel);
  });
  try {
    return await Promise.race([promise, aborted]);
  } catch (error) {
    if (signal.aborted) promise.then(late, () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** A turn of the event loop. Timers would wait 4 ms, and in a hidden tab a second: 40 chunks took 20 s there. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** The pieces of a stream until the signal; now and then the page gets a turn. */
export async function* pieces(
  stream: AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const iterator = stream[Symbol.asyncIterator]();
  let breathed = performance.now();
  try {
    for (;;) {
      const { done, value } = await unlessAborted(signal, iterator.next());
      if (done) return;
      yield value;
      if (performance.now() - breathed < BREATH) continue;
      await turn();
      breathed = performance.now();
    }
  } finally {
    // Not waited for: a generator that is stuck in its own wait would never come back.
    iterator.return?.().then(
      () => {},
      () => {},
    );
  }
}
