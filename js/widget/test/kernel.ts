import type { Model, WidgetManager } from "../src/host.ts";
import type {
  Budget,
  Call,
  CallState,
  Channel,
  Delta,
  Metrics,
  Progress,
  RunMessage,
  Snapshot,
  Spent,
  State,
  Status,
} from "../src/messages.ts";

/** The kernel's half of the protocol, with a numbered memory of all it sent. */
export class Kernel {
  readonly parts: [Channel, string][] = [];
  #seq = 0;
  #n = 0;
  state: State = "waiting";
  metrics: Metrics = {};
  readonly calls = new Map<number, CallState>();
  budget: Budget | null = null;

  get text(): string {
    return this.parts.map(([, text]) => text).join("");
  }

  delta(text: string, channel: Channel = "text", ms = 100): Delta {
    const at = this.text.length;
    const last = this.parts.at(-1);
    if (last?.[0] === channel) last[1] += text;
    else this.parts.push([channel, text]);
    this.state = "streaming";
    return { kind: "delta", seq: ++this.#seq, at, n: ++this.#n, ms, channel, text };
  }

  status(state: State, metrics: Metrics = {}, note = ""): Status {
    this.state = state;
    this.metrics = { ...this.metrics, ...metrics };
    return { kind: "status", seq: ++this.#seq, state, metrics, note };
  }

  progress(processed: number, total: number): Progress {
    return { kind: "progress", seq: ++this.#seq, processed, total };
  }

  call(call: number, state: CallState["state"], more: Partial<CallState> = {}): Call {
    const told = { call, state, text: "", error: "", seconds: null, ...more };
    this.calls.set(call, told);
    return { kind: "call", seq: ++this.#seq, ...told };
  }

  spent(share: number, text = `${500 * share} of 500 tokens`): Spent {
    this.budget = { share, text, estimated: false };
    return { kind: "spent", seq: ++this.#seq, ...this.budget };
  }

  snapshot(at = 0): Snapshot {
    const { state, metrics } = this;
    return {
      kind: "snapshot",
      seq: ++this.#seq,
      at,
      parts: this.#from(at),
      state,
      metrics,
      note: "",
      calls: [...this.calls.values()],
      spent: this.budget,
    };
  }

  #from(at: number): [Channel, string][] {
    let offset = 0;
    return this.parts.flatMap(([channel, text]) => {
      const rest = text.slice(Math.max(0, at - offset));
      offset += text.length;
      return rest === "" ? [] : [[channel, rest] as [Channel, string]];
    });
  }
}

/** A message as it goes over the wire. */
export function wire(message: RunMessage): unknown {
  if (message.kind !== "delta") return structuredClone(message);
  const { kind: _, channel, text, ...rest } = message;
  return { ...rest, [channel]: text };
}

/** anywidget's model, as far as we use it. */
export class FakeModel implements Model {
  readonly sent: unknown[] = [];
  readonly listeners = new Set<(content: unknown) => void>();
  readonly traits: Record<string, unknown>;
  readonly widget_manager?: WidgetManager;

  constructor(traits: Record<string, unknown> = {}, manager?: WidgetManager) {
    this.traits = { mode: "blocking", title: "demo", ...traits };
    if (manager) this.widget_manager = manager;
  }

  get(key: string): unknown {
    return this.traits[key];
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  on(_: "msg:custom", callback: (content: unknown) => void): void {
    this.listeners.add(callback);
  }

  off(_: "msg:custom", callback: (content: unknown) => void): void {
    this.listeners.delete(callback);
  }

  receive(content: unknown): void {
    for (const listener of [...this.listeners]) listener(content);
  }
}
