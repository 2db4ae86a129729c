import type { Key, Kind, Sink } from "../../src/structure/json-reader.ts";

/** What was begun, grown and ended, and what it makes as a value. */
export class Recorder implements Sink {
  value: unknown;
  rest = "";
  readonly #open: { readonly kind: Kind; readonly key: Key; text: string; value: unknown }[] = [];

  begin(kind: Kind, key: Key): void {
    const value = kind === "object" ? {} : kind === "array" ? [] : undefined;
    this.#open.push({ kind, key, text: "", value });
  }

  grow(text: string): void {
    const last = this.#open.at(-1);
    if (last) last.text += text;
  }

  end(): void {
    const last = this.#open.pop();
    if (!last) throw new Error("nothing to end");
    const value = last.kind === "string" ? last.text : (last.value ?? JSON.parse(last.text));
    const around = this.#open.at(-1)?.value;
    if (Array.isArray(around)) around.push(value);
    else if (around) Object.defineProperty(around, `${last.key}`, { value, ...MEMBER });
    else this.value = value;
  }

  raw(text: string): void {
    this.rest += text;
  }

  get depth(): number {
    return this.#open.length;
  }
}

const MEMBER = { configurable: true, enumerable: true, writable: true };

/** `text` cut at some places. */
export function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).toSorted((a, b) => a - b)];
  return at.map((from, index) => text.slice(from, at[index + 1] ?? text.length));
}
