import type { Key, Kind, Sink } from "./json-reader.ts";

/** What cannot be seen, or turns round what stands beside it: a question that is approved must not look other than it is. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"\\]/gu;

/** A value in one line: as JSON, or, where the root is an object, as a call's arguments (`city="Berlin", days=5`). */
export class Compact implements Sink {
  readonly #write: (text: string) => void;
  readonly #asCall: boolean;
  readonly #open: { readonly kind: Kind; isEmpty: boolean }[] = [];

  constructor(write: (text: string) => void, asCall = false) {
    this.#write = write;
    this.#asCall = asCall;
  }

  begin(kind: Kind, key: Key): void {
    this.#write(this.#before(key) + (this.#isCall(kind) ? "" : (OPENING[kind] ?? "")));
    this.#open.push({ kind, isEmpty: true });
  }

  grow(text: string): void {
    this.#write(this.#open.at(-1)?.kind === "string" ? seen(text) : text);
  }

  end(): void {
    const kind = this.#open.pop()?.kind;
    if (kind && !this.#isCall(kind)) this.#write(CLOSING[kind] ?? "");
  }

  raw(text: string): void {
    this.#write(seen(text));
  }

  #isCall(kind: Kind): boolean {
    return this.#asCall && kind === "object" && this.#open.length === 0;
  }

  #before(key: Key): string {
    const around = this.#open.at(-1);
    if (!around) return "";
    const comma = around.isEmpty ? "" : ", ";
    around.isEmpty = false;
    if (typeof key !== "string") return comma;
    const isArgument = this.#asCall && this.#open.length === 1;
    return `${comma}${isArgument ? `${seen(key)}=` : `"${seen(key)}": `}`;
  }
}

const OPENING: Partial<Record<Kind, string>> = { object: "{", array: "[", string: '"' };
const CLOSING: Partial<Record<Kind, string>> = { object: "}", array: "]", string: '"' };

/** In one line, and all of it visible. */
export function seen(text: string): string {
  return text.replace(UNSEEN, (char) => {
    if (char === '"' || char === "\\") return `\\${char}`;
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
