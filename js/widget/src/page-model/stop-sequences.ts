/** Finds the first of some sequences in a text that comes in pieces; holds back no more than might begin one. */
export class StopSequences {
  readonly #sequences: readonly string[];
  #held = "";
  /** The one that was found. */
  found: string | null = null;

  constructor(sequences: readonly string[]) {
    this.#sequences = sequences.filter((sequence) => sequence !== "");
  }

  /** What is certainly before any of them. */
  feed(text: string): string {
    if (this.found !== null) return "";
    const seen = this.#held + text;
    const first = this.#first(seen);
    if (first) {
      this.found = first.sequence;
      this.#held = "";
      return seen.slice(0, first.at);
    }
    const keep = this.#beginning(seen);
    this.#held = seen.slice(seen.length - keep);
    return seen.slice(0, seen.length - keep);
  }

  /** The text is over: what was held back is part of it. */
  rest(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  /** The one that would be whole first if the text came by characters; of two the longer. */
  #first(text: string): { at: number; sequence: string } | null {
    let first: { at: number; sequence: string } | null = null;
    for (const sequence of this.#sequences) {
      const at = text.indexOf(sequence);
      if (at < 0) continue;
      const later = first ? at + sequence.length - first.at - first.sequence.length : -1;
      if (!first || later < 0 || (later === 0 && at < first.at)) first = { at, sequence };
    }
    return first;
  }

  /** How much of the end might begin one. */
  #beginning(text: string): number {
    let longest = 0;
    for (const sequence of this.#sequences) {
      for (let size = Math.min(sequence.length - 1, text.length); size > longest; size--) {
        if (sequence.startsWith(text.slice(text.length - size))) longest = size;
      }
    }
    return longest;
  }
}
