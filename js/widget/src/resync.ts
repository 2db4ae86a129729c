const FIRST_WAIT = 500;
const SILENCE = 1000;
const LONGEST_WAIT = 8000;

/** What the newest message tells: a message is missing; there is news, and more will come; the rest. */
export type Standing = "missing" | "flowing" | "over";

/**
 * Asks for what was lost: at once, then again while it is still missing, after 500 ms, 1 s, 2 s, ... 8 s.
 * A loss that is followed by silence shows in nothing, so silence, too, is a reason to ask: after 1 s, then 2 s,
 * ... 8 s.
 *
 * The waits grow because an ipykernel 6 that is busy with the cell answers nothing until the cell ends, and
 * every question asked in the meantime would be answered then with a snapshot.
 */
export class Resync {
  readonly #ask: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = FIRST_WAIT;
  #missing = false;

  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Call it after each message but the answers to our own questions that bring nothing. */
  update(standing: Standing): void {
    if (standing === "missing" && this.#missing) return;
    this.dispose();
    this.#missing = standing === "missing";
    if (this.#missing) this.#askNow();
    else if (standing === "flowing") this.#askIn(SILENCE);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#wait = FIRST_WAIT;
    this.#missing = false;
  }

  #askNow(): void {
    this.#askIn(this.#wait);
    this.#ask();
  }

  #askIn(wait: number): void {
    this.#timer = setTimeout(() => this.#askNow(), wait);
    this.#wait = Math.min(2 * wait, LONGEST_WAIT);
  }
}
