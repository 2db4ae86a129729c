const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;

/**
 * Asks for what was lost: at once, then again while it is still missing, after 500 ms, 1 s, 2 s, ... 8 s.
 * The waits grow because an ipykernel 6 that is busy with the cell answers nothing until the cell ends, and
 * every question asked in the meantime would be answered then with a snapshot.
 */
export class Resync {
  readonly #ask: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = FIRST_WAIT;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Call it after each message; it knows when to speak. */
  update(missing: boolean): void {
    if (!missing) this.dispose();
    else if (this.#timer === undefined) this.#askNow();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wait = FIRST_WAIT;
  }

  #askNow(): void {
    this.#timer = setTimeout(() => this.#askNow(), this.#wait);
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT);
    this.#ask();
  }
}
