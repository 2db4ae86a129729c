import { importCode } from "./import-code.ts";

/** One per name and page, shared by all answers: a bundle is imported once, so is this module. */
const loaded = new Map<string, Promise<unknown>>();

/**
 * Modules that are loaded only where an answer needs them: the kernel is asked for their source, over the comm.
 * A kernel that is blocked and cannot hear (ipykernel 6) answers when its cell is over; until then they are
 * waited for, and what they would add is not there.
 */
export class Assets {
  readonly #ask: (name: string) => void;
  readonly #waiting = new Map<string, (code: string) => void>();

  constructor(ask: (name: string) => void) {
    this.#ask = ask;
  }

  /** Rejects if the kernel has no such module, or it does not load. */
  get(name: string): Promise<unknown> {
    const known = loaded.get(name);
    if (known) return known;
    const source = new Promise<string>((resolve) => this.#waiting.set(name, resolve));
    const loading = source.then((code) => {
      if (code === "") throw new Error(`the kernel has no ${name}`);
      return importCode<unknown>(code);
    });
    loaded.set(name, loading);
    this.#ask(name);
    return loading;
  }

  receive(name: string, code: string): void {
    this.#waiting.get(name)?.(code);
    this.#waiting.delete(name);
  }

  /** Whoever asks next asks the kernel again for what we never got. */
  dispose(): void {
    for (const name of this.#waiting.keys()) loaded.delete(name);
    this.#waiting.clear();
  }
}
