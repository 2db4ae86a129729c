import { Assets } from "./assets.ts";
import type { Body } from "./body.ts";
import type { Model } from "./host.ts";
import { interruptKernel } from "./interrupt.ts";
import type { Request, RunMessage } from "./messages.ts";
import { isActive, parseMessage } from "./messages.ts";
import type receive from "./page-model/browser.ts";
import type replay from "./replay/replay.ts";
import { Resync, type Standing } from "./resync.ts";
import { Stop } from "./stop.ts";
import type structure from "./structure/structure.ts";
import { Transcript } from "./transcript.ts";
import { typeset } from "./typesetting.ts";

/**
 * One run as the page knows it: lives as long as its model, with no view, one or several.
 *
 * It listens from `initialize` on because a view comes too late: a listener set in `render` lost the first
 * message of 8 runs of 8.
 */
export class Session {
  readonly transcript: Transcript;
  readonly stop: Stop;
  /** When the newest message of any kind came, on `clock`. */
  heardAt: number;
  /** HTML of the Timing panel; "" until the kernel was asked and has answered. */
  timing = "";
  readonly assets: Assets;
  /** The views of values and calls, once they were asked for and are here. */
  structure: typeof structure | null = null;
  readonly clock: () => number;
  /** What the page's own model has to ask. */
  slotted: HTMLElement | null = null;
  readonly #model: Model;
  readonly #resync: Resync;
  readonly #views = new Set<() => void>();
  readonly #decided = new Set<number>();
  #bridge: Promise<{ default: typeof receive }> | undefined;
  readonly #listener = (content: unknown): void => this.receive(content);

  constructor(model: Model, clock: () => number = () => performance.now()) {
    this.#model = model;
    this.clock = clock;
    this.heardAt = clock();
    this.transcript = new Transcript(this.heardAt);
    this.#resync = new Resync(() => this.#send({ kind: "resync", have: this.transcript.have }));
    this.stop = new Stop({
      send: () => this.#send({ kind: "stop" }),
      interrupt: () => interruptKernel(model),
      mode: () => model.get("mode"),
      changed: () => this.#changed(),
    });
    this.assets = new Assets((name) => this.#send({ kind: "asset", name }));
    const snapshot = parseMessage(model.get("snapshot"));
    if (snapshot?.kind === "snapshot") this.transcript.restore(snapshot, this.heardAt);
    model.on("msg:custom", this.#listener);
    this.#resync.update(this.#standing());
    if (!isActive(this.transcript.state)) this.stop.end();
  }

  get title(): string {
    const title = this.#model.get("title");
    return typeof title === "string" ? title : "";
  }

  /** Calls `view` after every change, until the function returned is called. */
  subscribe(view: () => void): () => void {
    this.#views.add(view);
    return () => this.#views.delete(view);
  }

  receive(content: unknown): void {
    const message = parseMessage(content);
    if (message === null) return;
    switch (message.kind) {
      case "ack":
        this.heardAt = this.clock();
        this.stop.ack();
        break;
      case "asset":
        this.assets.receive(message.name, message.code);
        break;
      case "browser":
        this.#bridge ??= this.assets.get("browser");
        this.#tell(message);
        break;
      case "timing":
        this.timing = message.html;
        this.#changed();
        break;
      default:
        this.#follow(message);
    }
  }

  /** As `Host.send` of page-model/host.ts. */
  send(content: unknown): void {
    this.#model.send(content);
  }

  /** As `Host.slot`. */
  slot(node: HTMLElement | null): void {
    this.slotted = node;
    this.#changed();
  }

  /** Asks for the Timing panel as of now. */
  askTiming(): void {
    this.#send({ kind: "timing" });
  }

  askStructure(): void {
    this.assets.get<{ default: typeof structure }>("structure").then(
      (module) => {
        this.structure = module.default;
        this.#changed();
      },
      () => {}, // plain text reads well
    );
  }

  askReplay(slot: HTMLElement, body: typeof Body): void {
    this.assets.get<{ default: typeof replay }>("replay").then(
      (module) => module.default(slot, this, Session, body),
      () => {}, // what is there can be read
    );
  }

  /** Once per call: another view may ask the same. */
  approve(call: number, yes: boolean): void {
    if (this.#decided.has(call)) return;
    this.#decided.add(call);
    this.#send({ kind: "approve", call, yes });
  }

  typeset(block: HTMLElement): void {
    typeset(this.#model, block);
  }

  #follow(message: RunMessage): void {
    this.heardAt = this.clock();
    const { have, missing } = this.transcript;
    this.transcript.apply(message, this.heardAt);
    // An answer to our own question that brings nothing: silence goes on.
    const isEcho = message.kind === "snapshot" && !missing && have === this.transcript.have;
    if (!isEcho || !isActive(this.transcript.state)) this.#resync.update(this.#standing());
    if (this.transcript.state === "stopping") this.stop.ack();
    if (!isActive(this.transcript.state)) this.stop.end();
    this.#changed();
  }

  #standing(): Standing {
    const { missing, state } = this.transcript;
    if (missing) return "missing";
    return isActive(state) ? "flowing" : "over";
  }

  dispose(): void {
    this.#model.off("msg:custom", this.#listener);
    this.#tell(null);
    this.#resync.dispose();
    this.assets.dispose();
    this.stop.end();
    this.#views.clear();
  }

  #send(request: Request): void {
    this.#model.send(request);
  }

  #tell(content: unknown): void {
    this.#bridge?.then(
      (module) => module.default(this, content),
      () => {}, // the kernel says that nobody answered
    );
  }

  #changed(): void {
    for (const view of this.#views) view();
  }
}
