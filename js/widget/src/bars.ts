/** Bars in a sparkline; the static strip has as many. */
export const BARS = 32;

/** A gap is a stall if it is both: longer than 250 ms, which is felt, and 5 times the usual one. */
export const STALL_MS = 250;
export const STALL_RATIO = 5;

/**
 * The gaps of a whole answer in at most 32 bars, each the longest of its stretch. They fill from the left; when
 * all are full, neighbours merge and the bars stand for twice as many: nothing slides, and no gap is forgotten.
 */
export class Bars {
  #bars: number[] = [];
  #stride = 1;
  #inLast = 0;

  add(gap: number): void {
    if (this.#inLast === 0) this.#bars.push(gap);
    else this.#bars.push(Math.max(this.#bars.pop() ?? 0, gap));
    this.#inLast = (this.#inLast + 1) % this.#stride;
    if (this.#bars.length < BARS || this.#inLast > 0) return;
    this.#bars = this.#bars.flatMap((bar, index) =>
      index % 2 ? [] : [Math.max(bar, this.#bars[index + 1] ?? 0)],
    );
    this.#stride *= 2;
  }

  /** Two SVG paths, of upright strokes 3 px apart and 16 px high at most: usual gaps, and stalls. */
  paths(): { usual: string; stalls: string } {
    const paths = { usual: "", stalls: "" };
    if (this.#bars.length < BARS / 4) return paths;
    const sorted = this.#bars.toSorted((a, b) => a - b);
    const median = sorted[sorted.length >> 1] || sorted.at(-1) || 1;
    for (const [index, gap] of this.#bars.entries()) {
      const stalled = gap > Math.max(STALL_MS, STALL_RATIO * median);
      const height = Math.min(2 + (4 * gap) / median, 16).toFixed(1);
      paths[stalled ? "stalls" : "usual"] += `M${3 * index + 1} 16v-${height}`;
    }
    return paths;
  }
}
