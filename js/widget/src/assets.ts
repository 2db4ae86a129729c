import { importCode } from "./import-code.ts";

/** Until a kernel that has not answered is asked once more (ms). */
const AGAIN = 1000;

/** A module as far as it is known. */
interface Asset {
  readonly loading: Promise<unknown>;
  readonly give: (code: string) => void;
  here: boolean;
}

/** One per name and page, shared by all answers: a bundle is imported once, so is this module. */
const assets = new Map<string, Asset>();

/**
 * Modules that are loaded only where an answer needs them: the kernel is asked for their source, over the comm.
 * A kernel that is blocked and cannot hear (ipykernel 6) answers when its cell is over; until then they are
 * waited for, and what they would add is not there. What it sends unasked is kept.
 */
export class Assets {
  readonly #ask: (name: string) => void;
  readonly #asked = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(ask: (name: string) => void) {
    this.#ask = ask;
  }

  /**
   * Rejects if the kernel has no such module, or it does not load. The caller knows its type. Each answer asks its
   * own kernel, once: another's question may have gone to one that is gone.
   */
  get<T>(name: string): Promise<T> {
    const asset = find(name);
    if (!asset.here && !this.#asked.has(name)) {
      this.#ask(name);
      // A page's first message may go to the shell that a cell blocks; the second finds another.
      this.#asked.set(
        name,
        setTimeout(() => asset.here || this.#ask(name), AGAIN),
      );
    }
    return asset.loading as Promise<T>;
  }

  receive(name: string, code: string): void {
    const asset = find(name);
    asset.here = true;
    asset.give(code);
  }

  dispose(): void {
    for (const timer of this.#asked.values()) clearTimeout(timer);
  }
}

function find(name: string): Asset {
  let asset = assets.get(name);
  if (!asset) {
    let give: Asset["give"] = () => {};
    const source = new Promise<string>((resolve) => {
      give = resolve;
    });
    const loading = source.then((code) => {
      if (code === "") throw new Error(`the kernel has no ${name}`);
      return importCode<unknown>(code);
    });
    loading.catch(() => {}); // said to whoever asks
    asset = { loading, give, here: false };
    assets.set(name, asset);
  }
  return asset;
}
