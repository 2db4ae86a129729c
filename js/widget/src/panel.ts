/** A panel that is open while the answer streams is asked for again this often (ms). */
const AGAIN = 2000;

let panels = 0;

/** What the Timing button opens. Its content is the kernel's: what will stand in the saved notebook too. */
export class Panel {
  readonly node = document.createElement("div");
  readonly #ask: () => void;
  readonly #fill: (slot: HTMLElement) => void;
  #html = "";
  #askedAt = Number.NEGATIVE_INFINITY;
  #wasActive = false;

  /** `fill`: puts what moves into the place the kernel left for it. */
  constructor(ask: () => void, fill: (slot: HTMLElement) => void) {
    this.#ask = ask;
    this.#fill = fill;
    this.node.className = "ipyllm-panel";
    this.node.id = `ipyllm-panel-${++panels}`;
    this.node.hidden = true;
    this.node.textContent = "The kernel answers when the cell is over.";
  }

  toggle(): void {
    this.node.hidden = !this.node.hidden;
    this.#askedAt = Number.NEGATIVE_INFINITY;
  }

  /** `now`: ms on any steady clock. */
  paint(html: string, active: boolean, now: number): void {
    const ended = this.#wasActive && !active;
    this.#wasActive = active;
    if (this.node.hidden) return;
    const never = this.#askedAt === Number.NEGATIVE_INFINITY;
    if (never || ended || (active && now - this.#askedAt >= AGAIN)) {
      this.#askedAt = now;
      this.#ask();
    }
    // Whoever points at a token reads its time: not under the mouse.
    if (html === "" || html === this.#html || this.node.matches(":hover")) return;
    this.#html = html;
    // Escaped by the kernel, which this page takes its very code from.
    this.node.innerHTML = html;
    const slot = this.node.querySelector<HTMLElement>(".ipyllm-replay");
    if (slot) this.#fill(slot);
  }
}
