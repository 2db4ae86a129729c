import type { Message, Prompt } from "./host.ts";
import type { CreateOptions, LanguageModel } from "./language-model.ts";
import { core } from "./language-model.ts";

/** Conversations that are kept. */
const KEPT = 4;

export interface Opened {
  readonly session: LanguageModel;
  /** What of the prompt is not in it yet. */
  readonly input: readonly Message[];
  readonly reused: boolean;
}

/** Makes a session with these messages in it; the caller shows what a download needs. */
export type Create = (options: CreateOptions) => Promise<LanguageModel>;

/**
 * The sessions of this page, by the conversation each has had. A question that goes on with one gets a clone of
 * it, so that the same question can be asked twice, and a system prompt is read once.
 */
export class Sessions {
  readonly #kept = new Map<string, LanguageModel>();

  async open(prompt: Prompt, create: Create, signal: AbortSignal): Promise<Opened> {
    const { before, input } = split(prompt.messages);
    const key = keyOf(prompt, before);
    const known = this.#kept.get(key);
    if (known) {
      const clone = await this.#cloned(key, known, signal);
      if (clone) return { session: clone, input, reused: true };
    }
    const options = { ...core(prompt), ...(before.length && { initialPrompts: before }) };
    const made = await create(options);
    if (signal.aborted) made.destroy();
    signal.throwIfAborted();
    // A session that has but a system prompt is worth keeping as it is.
    if (before.length > 1) return { session: made, input, reused: false };
    this.#keep(key, made);
    return { session: (await this.#cloned(key, made, signal)) ?? made, input, reused: false };
  }

  /** This session has had the prompt and its answer. */
  keep(prompt: Prompt, answer: string, session: LanguageModel): void {
    const { before, input } = split(prompt.messages);
    const last = input.at(-1);
    const asked = last?.prefix ? input.slice(0, -1) : input;
    const said = (last?.prefix ? last.content : "") + answer;
    const had: Message[] = [...before, ...asked, { role: "assistant", content: said }];
    this.#keep(keyOf(prompt, had), session);
  }

  #keep(key: string, session: LanguageModel): void {
    const before = this.#kept.get(key);
    if (before !== session) before?.destroy();
    this.#kept.delete(key);
    this.#kept.set(key, session);
    for (const [oldest, other] of this.#kept) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
      other.destroy();
    }
  }

  /** null if it cannot be cloned any more: the browser ended it. */
  async #cloned(
    key: string,
    known: LanguageModel,
    signal: AbortSignal,
  ): Promise<LanguageModel | null> {
    try {
      const clone = await known.clone();
      if (signal.aborted) clone.destroy();
      signal.throwIfAborted();
      this.#kept.delete(key); // the newest last
      this.#kept.set(key, known);
      return clone;
    } catch {
      signal.throwIfAborted();
      this.#kept.delete(key);
      return null;
    }
  }
}

/** What a session may have before it is asked, and what is asked. */
function split(messages: readonly Message[]): {
  before: readonly Message[];
  input: readonly Message[];
} {
  // A prefix needs the question before it in the same prompt.
  const asked = messages.at(-1)?.prefix ? 2 : 1;
  return { before: messages.slice(0, -asked), input: messages.slice(-asked) };
}

function keyOf(prompt: Prompt, messages: readonly Message[]): string {
  return JSON.stringify([
    prompt.inputs,
    prompt.outputs,
    messages.map(({ role, content }) => [role, content]),
  ]);
}
