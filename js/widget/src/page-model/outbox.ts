import type { Host } from "./host.ts";

/** A frame: chunks that come faster go together (ms). */
const FRAME = 16;

/** What was sent longer ago than this and is still asked for was lost (ms). */
const LOST = 1000;

/** Numbers what a run says, gathers its chunks, and says again what was lost. */
export class Outbox {
  readonly #host: Host;
  readonly #name: { client: string; id: string };
  readonly #sent = new Map<number, { at: number; content: object }>();
  #seq = 0;
  #parts: [string, number][] = [];
  #chunkAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: Host, client: string, id: string) {
    this.#host = host;
    this.#name = { client, id };
  }

  say(op: string, more: object = {}): void {
    this.#flush();
    this.#send(op, more);
  }

  /** At once if none was sent for a frame, else with those that come until then. */
  chunk(text: string, ms: number): void {
    if (text === "") return;
    this.#parts.push([text, ms]);
    const due = this.#chunkAt + FRAME - performance.now();
    if (due <= 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), due);
  }

  /** The kernel has all before `next`. */
  again(next: number): void {
    const now = performance.now();
    for (const [seq, message] of this.#sent) {
      if (seq < next) this.#sent.delete(seq);
      else if (now - message.at > LOST) {
        message.at = now;
        this.#host.send(message.content);
      }
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#parts.length) return;
    const parts = this.#parts;
    this.#parts = [];
    this.#chunkAt = performance.now();
    this.#send("chunk", { parts });
  }

  #send(op: string, more: object): void {
    const seq = this.#seq++;
    const content = { kind: "browser", op, ...this.#name, seq, ...more };
    this.#sent.set(seq, { at: performance.now(), content });
    this.#host.send(content);
  }
}
