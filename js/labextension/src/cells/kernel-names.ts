import type { Kernel, KernelMessage, SessionContext } from "@jupyterlab/notebook";

/** What became of a name: `kept`: it is there, and no variable, so `{name}` stays as it is written. */
export interface Known {
  readonly state: "there" | "missing" | "kept";
  /** "str, length 5: hello" */
  readonly text: string;
}

/** Names a kernel is asked for at most between two runs of a cell. */
const LIMIT = 100;

/** As `ipyllm.magic.interpolate` has them: their text would never be what one means. */
const KEPT = /^(?:module|function|type|builtin_function_or_method|ABCMeta|EnumType)$/;

/**
 * What a notebook's kernel says of names, until its next cell is run. It is asked only while it is idle, one name at a
 * time and by `inspect_request`, which runs nothing.
 */
export class KernelNames {
  readonly #context: SessionContext;
  readonly #changed: () => void;
  readonly #known = new Map<string, Known>();
  readonly #wanted = new Set<string>();
  #asking = false;
  #age = 0;

  /** `changed`: something new is known, or nothing any more. */
  constructor(context: SessionContext, changed: () => void) {
    this.#context = context;
    this.#changed = changed;
    context.iopubMessage.connect(this.#heard);
    context.statusChanged.connect(this.#goOn);
    context.kernelChanged.connect(this.#forget);
  }

  dispose(): void {
    this.#context.iopubMessage.disconnect(this.#heard);
    this.#context.statusChanged.disconnect(this.#goOn);
    this.#context.kernelChanged.disconnect(this.#forget);
    this.#wanted.clear();
  }

  get(name: string): Known | undefined {
    return this.#known.get(name);
  }

  /** Asks for those that are not known, as soon as the kernel has time. */
  want(names: Iterable<string>): void {
    for (const name of names) {
      if (!this.#known.has(name) && this.#known.size < LIMIT) this.#wanted.add(name);
    }
    void this.#ask();
  }

  readonly #heard = (_: unknown, { header }: KernelMessage): void => {
    if (header.msg_type === "execute_input") this.#forget();
  };

  readonly #goOn = (): void => {
    if (this.#wanted.size) void this.#ask();
    else if (this.#known.size === 0) this.#changed();
  };

  readonly #forget = (): void => {
    this.#age++;
    this.#known.clear();
  };

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (const name of this.#wanted) {
        const kernel = this.#context.session?.kernel;
        if (kernel?.status !== "idle") return;
        this.#wanted.delete(name);
        const age = this.#age;
        const known = await asked(kernel, name);
        if (age === this.#age) this.#known.set(name, known);
      }
      this.#changed();
    } catch {
      // A kernel that died: the next one is asked again.
    } finally {
      this.#asking = false;
    }
  }
}

async function asked(kernel: Kernel, name: string): Promise<Known> {
  const question = { code: name, cursor_pos: name.length, detail_level: 0 } as const;
  const { content } = await kernel.requestInspect(question);
  // Kept as an answer: a kernel that cannot say must not be asked again and again.
  if (content.status !== "ok") return { state: "there", text: "" };
  if (content.found !== true) return { state: "missing", text: "" };
  const { "text/plain": plain = "" } = content.data as { "text/plain"?: string };
  return described(plain);
}

/** What IPython's pager would show, in a line. */
export function described(plain: string): Known {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
  const text = plain.replace(/\x1b\[[\d;]*m/g, "");
  const field = (name: string) =>
    new RegExp(`^${name}:[ \\t]+(.*)$`, "m").exec(text)?.[1]?.trim() ?? "";
  const [type, value, length] = [field("Type"), field("String form"), field("Length")];
  if (KEPT.test(type) || /^(?:Init signature|Signature):/m.test(text)) {
    return { state: "kept", text: type };
  }
  const size = length && `, length ${length}`;
  const shown = value.length > 200 ? `${value.slice(0, 200)}\u2026` : value;
  return { state: "there", text: `${type}${size}${shown && `: ${shown}`}` };
}
