/** Whatever streams in a page, as an iterator of its pieces. */
export async function streamed(
  value: unknown,
  signal: AbortSignal,
): Promise<AsyncIterable<unknown>> {
  let found: unknown = await value;
  if (typeof found === "function") found = await found({ signal });
  if (found instanceof Response) {
    if (!found.ok) throw new Error(`${found.url || "the request"} answered ${found.status}`);
    found = found.body ?? [];
  }
  if (found instanceof ReadableStream) return read(found, signal);
  if (typeof found === "string") return each([found]);
  if (isAsync(found)) return found;
  if (isIterable(found)) return each(found);
  throw new TypeError(
    "the value is no stream: a ReadableStream, a Response, or something to iterate over",
  );
}

/** The pieces of a stream; it is cancelled when whoever reads leaves, or the signal says so. */
export async function* read(
  stream: ReadableStream<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

async function* each(items: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* items;
}

function isAsync(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/** Pieces as text: bytes are decoded across their cuts, objects become JSON. */
export class Texts {
  readonly #decoder = new TextDecoder();

  of(piece: unknown): string {
    if (typeof piece === "string") return piece;
    if (piece instanceof ArrayBuffer || ArrayBuffer.isView(piece)) {
      return this.#decoder.decode(piece, { stream: true });
    }
    return JSON.stringify(piece) ?? `${piece}`;
  }

  /** What is left of a character that was cut. */
  rest(): string {
    return this.#decoder.decode();
  }
}
