import type { Assets } from "../../../widget/src/assets.ts";
import highlight from "../../../widget/src/markdown/highlight.ts";
import { parseMessage } from "../../../widget/src/messages.ts";
import type { Session } from "../../../widget/src/session.ts";
import type { Stop } from "../../../widget/src/stop.ts";
import structure from "../../../widget/src/structure/structure.ts";
import { Transcript } from "../../../widget/src/transcript.ts";
import { gaps, snapshot, title } from "./saved-json.ts";
import { timingPanel } from "./timing-panel.ts";

/** What a saved answer is made of: our JSON, and what stands beside it. */
export interface Saved {
  readonly json: Readonly<Record<string, unknown>>;
  /** text/markdown */
  readonly text: string;
  /** text/html; the Timing panel is in it. */
  readonly html: string;
}

/** All that views ask of a session; the widget's own talks with a kernel, 2 KB of the bundle. */
type Shown = Omit<Session, "assets" | "dispose" | "receive" | "send" | "slot" | "stop"> & {
  readonly assets: Pick<Assets, "get">;
  readonly stop: Pick<Stop, "hint" | "press" | "state">;
};

/** A run that is over. What a live one asks its kernel for is here. */
export class SavedSession implements Shown {
  readonly transcript = new Transcript(0);
  readonly stop = { state: "idle", hint: "", press() {} } as const;
  readonly slotted = null;
  readonly heardAt = 0;
  readonly structure = structure;
  readonly assets = { get: bundled };
  readonly clock = () => 0;
  readonly title: string;
  readonly typeset: (block: HTMLElement) => void;
  timing = "";
  readonly #html: string;
  readonly #views = new Set<() => void>();

  constructor({ json, text, html }: Saved, typeset: (block: HTMLElement) => void) {
    this.title = title(json);
    this.typeset = typeset;
    this.#html = html;
    const all = parseMessage(snapshot(json, text));
    if (all?.kind === "snapshot") this.transcript.restore(all, 0);
    for (const gap of gaps(json)) this.transcript.bars.add(gap);
  }

  subscribe(view: () => void): () => void {
    this.#views.add(view);
    return () => this.#views.delete(view);
  }

  /** Made when it is wanted: most panels are never opened. */
  askTiming(): void {
    if (this.timing) return;
    this.timing = timingPanel(this.#html);
    for (const view of this.#views) view();
  }

  askStructure(): void {}
  askReplay(): void {}
  approve(): void {}
}

/** The one module a view loads when it needs it came with the extension. */
function bundled<T>(name: string): Promise<T> {
  if (name !== "highlight") return Promise.reject(new Error(`no ${name}`));
  return Promise.resolve({ default: highlight } as T);
}
