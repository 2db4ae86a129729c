import type { Comm, Kernel, KernelMessage, SessionContext } from "@jupyterlab/notebook";

/** As src/ipyllm/magic/models_comm.py has it. */
export interface Model {
  readonly name: string;
  readonly state: "ready" | "asking" | "off" | "unset";
  readonly detail: string;
}

const TARGET = "ipyllm.models";

/**
 * The models of one notebook's kernel, and which of them is the default. The kernel is asked by a comm, as soon as it
 * has ipyllm loaded: it is looked for when a kernel starts, and after each cell that may have loaded it.
 */
export class Models {
  /** "" while the kernel has no ipyllm. */
  current = "";
  all: readonly Model[] = [];
  /** Why the last choice was not taken. */
  refused = "";
  readonly #context: SessionContext;
  readonly #views = new Set<() => void>();
  #comm: Comm | null = null;
  #unsure = true;

  constructor(context: SessionContext) {
    this.#context = context;
    context.kernelChanged.connect(this.#restarted);
    context.statusChanged.connect(this.#look);
    context.iopubMessage.connect(this.#heard);
    this.#look();
  }

  dispose(): void {
    this.#context.kernelChanged.disconnect(this.#restarted);
    this.#context.statusChanged.disconnect(this.#look);
    this.#context.iopubMessage.disconnect(this.#heard);
    this.#views.clear();
    if (this.#comm?.isDisposed === false) this.#comm.close();
  }

  subscribe(view: () => void): void {
    this.#views.add(view);
  }

  list(): void {
    this.#comm?.send({ kind: "list" });
  }

  ask(provider: string): void {
    this.#comm?.send({ kind: "ask", provider });
  }

  choose(model: string): void {
    this.refused = "";
    this.#comm?.send({ kind: "choose", model });
  }

  readonly #restarted = (): void => {
    this.#lose();
    this.#unsure = true;
    this.#look();
  };

  readonly #heard = (_: unknown, { header, content }: KernelMessage): void => {
    if (header.msg_type !== "execute_input" || this.#comm) return;
    this.#unsure ||= /llm/.test(`${content.code}`);
  };

  /** Asks the kernel, once it is idle, whether `%llm` is there. */
  readonly #look = (): void => {
    const kernel = this.#context.session?.kernel;
    if (/restarting$/.test(kernel?.status ?? "")) {
      this.#lose();
      this.#unsure = true;
    }
    if (!this.#unsure || this.#comm || kernel?.status !== "idle") return;
    this.#unsure = false;
    const question = { code: "%llm", cursor_pos: 4, detail_level: 0 } as const;
    kernel.requestInspect(question).then(
      ({ content }) => content.found === true && this.#open(kernel),
      () => {},
    );
  };

  #open(kernel: Kernel): void {
    if (this.#comm || kernel.isDisposed) return;
    const comm = kernel.createComm(TARGET);
    comm.onMsg = ({ content }) => this.#receive(content.data);
    comm.onClose = () => this.#lose();
    comm.open();
    this.#comm = comm;
  }

  #receive(message: unknown): void {
    const { kind, model, models, message: said } = (message ?? {}) as Record<string, unknown>;
    if (kind === "default" && typeof model === "string") this.current = model;
    else if (kind === "models" && Array.isArray(models)) this.all = models.filter(isModel);
    else if (kind === "refused") this.refused = `${said}`;
    this.#changed();
  }

  #lose(): void {
    this.#comm = null;
    this.current = this.refused = "";
    this.all = [];
    this.#changed();
  }

  #changed(): void {
    for (const view of this.#views) view();
  }
}

function isModel(value: unknown): value is Model {
  const { name, detail } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof name === "string" && typeof detail === "string";
}
