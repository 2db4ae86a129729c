import { importCode } from "./import-code.ts";

/** A module as far as it is known. `asker`: whose question is under way; "none" is needed once it is here. */
interface Asset {
  readonly loading: Promise<unknown>;
  readonly give: (code: string) => void;
  asker: Assets | "none" | null;
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

  constructor(ask: (name: string) => void) {
    this.#ask = ask;
  }

  /** Rejects if the kernel has no such module, or it does not load. The caller knows its type. */
  get<T>(name: string): Promise<T> {
    const asset = find(name);
    if (!asset.asker) {
      asset.asker = this;
      this.#ask(name);
    }
    return asset.loading as Promise<T>;
  }

  receive(name: string, code: string): void {
    const asset = find(name);
    asset.asker = "none";
    asset.give(code);
  }

  /** Whoever asks next asks the kernel again for what we never got. */
  dispose(): void {
    for (const asset of assets.values()) if (asset.asker === this) asset.asker = null;
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
    asset = { loading, give, asker: null };
    assets.set(name, asset);
  }
  return asset;
}
