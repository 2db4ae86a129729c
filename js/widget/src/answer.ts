import { Body } from "./body.ts";
import { copyText } from "./clipboard.ts";
import { follow } from "./follow.ts";
import { element } from "./markdown/dom.ts";
import { isActive } from "./messages.ts";
import { Panel } from "./panel.ts";
import { readout } from "./readout.ts";
import type { Session } from "./session.ts";
import { Strip } from "./strip.ts";

/** The strip's numbers change at most this often (ms): at 60 Hz they cannot be read. */
const TICK = 100;

/**
 * One view of a session: what came above, the strip below. A second view, opened mid-stream, shows everything.
 *
 * Writes happen in `paint()` alone, once a frame. In a hidden tab no frame comes: the session goes on
 * gathering, and the one frame that was asked for paints it all when the tab is seen again.
 */
export class Answer {
  readonly node = element("div", "ipyllm");
  readonly #session: Session;
  readonly #body: Body;
  readonly #strip: Strip;
  readonly #panel: Panel;
  readonly #status = element("div", "ipyllm-status");
  readonly #unsubscribe: () => void;
  #slotted: HTMLElement | null = null;
  #frame: number | null = null;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #stripAt = Number.NEGATIVE_INFINITY;
  #shown = "";
  #raw = false;

  constructor(session: Session) {
    this.#session = session;
    this.#body = new Body(session);
    this.#panel = new Panel(
      () => session.askTiming(),
      (slot) => session.askReplay(slot, Body),
    );
    this.#strip = new Strip(
      {
        stop: () => session.stop.press(),
        copy: () => copyText(this.#body.source),
        raw: () => this.#toggleRaw(),
        timing: () => this.#toggleTiming(),
      },
      this.#panel.node.id,
    );
    this.node.setAttribute("role", "group");
    this.#status.setAttribute("role", "status");
    this.node.append(this.#body.node, this.#strip.node, this.#panel.node, this.#status);
    this.#unsubscribe = session.subscribe(() => this.#request());
    this.paint();
  }

  dispose(): void {
    this.#unsubscribe();
    clearInterval(this.#ticker);
    this.#ticker = undefined;
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
  }

  paint(): void {
    this.#frame = null;
    const { state } = this.#session.transcript;
    const keepInSight = follow(this.#strip.node);
    this.#body.paint();
    this.#paintSlot();
    this.#paintStrip();
    this.#panel.paint(this.#session.timing, isActive(state), this.#session.clock());
    keepInSight();
    this.#keepTicking();
  }

  #toggleRaw(): void {
    this.#raw = this.#body.toggleRaw();
    this.#paintSwitches();
  }

  #toggleTiming(): void {
    this.#panel.toggle();
    this.#paintSwitches();
    this.#request();
  }

  #paintSwitches(): void {
    this.#strip.paintSwitches(this.#raw, !this.#panel.node.hidden);
  }

  #request(): void {
    this.#frame ??= requestAnimationFrame(() => this.paint());
  }

  #paintSlot(): void {
    const { slotted } = this.#session;
    if (slotted === this.#slotted) return;
    this.#slotted?.remove();
    if (slotted) this.#strip.node.before(slotted);
    this.#slotted = slotted;
  }

  #paintStrip(): void {
    const { transcript, heardAt, stop, title } = this.#session;
    const now = this.#session.clock();
    const standing = `${transcript.state} ${stop.state} ${transcript.revision}`;
    const due = now - this.#stripAt >= TICK - 5 || standing !== this.#shown;
    if (isActive(transcript.state) && !due) return;
    this.#stripAt = now;
    this.#shown = standing;
    const said = readout(transcript, { now, heardAt, stop });
    this.#strip.paint(title, said, transcript.bars);
    this.node.setAttribute("aria-label", `answer by ${title}`);
    if (this.#status.textContent !== said.announcement) {
      this.#status.textContent = said.announcement;
    }
  }

  #keepTicking(): void {
    if (!isActive(this.#session.transcript.state)) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    } else this.#ticker ??= setInterval(() => this.#request(), TICK);
  }
}
