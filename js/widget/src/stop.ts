/** How long a blocked kernel may take to answer before it is interrupted (measured answers: 3-60 ms). */
const ACK_WAIT = 150;
/** How long a background run's kernel may be silent before we say why nothing happens. */
const BUSY_WAIT = 2000;

const BUSY = "the kernel is busy; it will stop when it answers";

export interface StopHost {
  /** Sends {kind: "stop"}. */
  send(): void;
  interrupt(): Promise<void>;
  /** "blocking": our cell is the one that runs. Anything else must never be interrupted. */
  mode(): unknown;
  changed(): void;
}

/**
 * What pressing Stop sets in motion. The message alone reaches ipykernel >= 7 while its cell is blocked, but not
 * ipykernel 6; there only an interrupt does. In background mode an interrupt would kill another cell, so there
 * the message is all we have.
 *
 * idle -> asked (button off) -> acked (off until the run ends)
 *                            -> unheard (nothing answered; `hint` says why, and the button works again)
 */
export class Stop {
  state: "idle" | "asked" | "acked" | "unheard" = "idle";
  hint = "";
  readonly #host: StopHost;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  constructor(host: StopHost) {
    this.#host = host;
  }

  press(): void {
    if (this.#over || this.state === "asked" || this.state === "acked") return;
    this.#enter("asked", "");
    this.#host.send();
    const blocking = this.#host.mode() === "blocking";
    this.#timer = setTimeout(() => this.#unanswered(), blocking ? ACK_WAIT : BUSY_WAIT);
  }

  /** The kernel has heard us: by its ack, or because it says itself that it is stopping. */
  ack(): void {
    if (this.#over || this.state === "acked") return;
    clearTimeout(this.#timer);
    this.#enter("acked", "");
  }

  /** The run is over: whatever runs in the kernel now is not ours to stop. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #unanswered(): void {
    if (this.#host.mode() !== "blocking") {
      this.#enter("unheard", BUSY);
      return;
    }
    this.#host.interrupt().then(
      () => this.#settle("asked", ""),
      (error: unknown) =>
        this.#settle("unheard", error instanceof Error ? error.message : `${error}`),
    );
    // An interrupt can be swallowed (by user code, by a debugger): let the button work again.
    this.#timer = setTimeout(() => this.#settle("unheard", BUSY), BUSY_WAIT);
  }

  #settle(state: "asked" | "unheard", hint: string): void {
    if (this.#over || this.state !== "asked") return;
    if (state === "unheard") clearTimeout(this.#timer);
    this.#enter(state, hint);
  }

  #enter(state: Stop["state"], hint: string): void {
    this.state = state;
    this.hint = hint;
    this.#host.changed();
  }
}
