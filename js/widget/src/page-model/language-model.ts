/**
 * The W3C Prompt API as browsers have it: https://webmachinelearning.github.io/prompt-api/.
 *
 * Names that were changed in February 2026 are read as `new ?? old`. `window.ai` of 2024, which streamed the whole
 * text again with every chunk, is not known here: whatever the global `LanguageModel` gives is new text.
 */

import type { Message, Prompt } from "./host.ts";

export interface LanguageModel extends EventTarget {
  promptStreaming(
    input: readonly Message[],
    options: { signal: AbortSignal; responseConstraint?: object },
  ): ReadableStream<unknown>;
  clone(options?: { signal?: AbortSignal }): Promise<LanguageModel>;
  destroy(): void;
  measureContextUsage?(input: readonly Message[]): Promise<number>;
  measureInputUsage?(input: readonly Message[]): Promise<number>;
  readonly contextUsage?: number;
  readonly contextWindow?: number;
  readonly inputUsage?: number;
  readonly inputQuota?: number;
}

export type Availability = "unavailable" | "downloadable" | "downloading" | "available";

interface Core {
  readonly expectedInputs: readonly Expected[];
  readonly expectedOutputs: readonly Expected[];
}

interface Expected {
  readonly type: "text";
  readonly languages: readonly string[];
}

export interface CreateOptions extends Core {
  readonly initialPrompts?: readonly Message[];
  readonly signal?: AbortSignal;
  readonly monitor?: (monitor: EventTarget) => void;
}

export interface LanguageModelClass {
  availability(options: Core): Promise<Availability>;
  create(options: CreateOptions): Promise<LanguageModel>;
}

export interface Here {
  readonly state: Availability | "no-api" | "insecure";
  /** The browser's own words for why there is no model. */
  readonly reason: string;
}

/** How long a browser may take to say what it has (ms). */
const PATIENCE = 2000;

export function languageModel(): LanguageModelClass | null {
  const found = (globalThis as { LanguageModel?: LanguageModelClass }).LanguageModel;
  return found ?? null;
}

/** The same options for `availability` and `create`, as the specification wants them. */
export function core({ inputs, outputs }: Pick<Prompt, "inputs" | "outputs">): Core {
  return {
    expectedInputs: [{ type: "text", languages: inputs }],
    expectedOutputs: [{ type: "text", languages: outputs }],
  };
}

const ENGLISH = core({ inputs: ["en"], outputs: ["en"] });

/** What this page has. That `LanguageModel` is there proves nothing: Debian's Chromium has it, and no model. */
export async function probe(): Promise<Here> {
  const model = languageModel();
  if (!model)
    return { state: globalThis.isSecureContext === false ? "insecure" : "no-api", reason: "" };
  try {
    const state = await within(PATIENCE, model.availability(ENGLISH));
    return { state, reason: state === "unavailable" ? await whyNot(model) : "" };
  } catch (error) {
    return { state: "unavailable", reason: `${error}` };
  }
}

/** The real cause is in what `create()` rejects with, and nowhere else. Asked once: it may take a while. */
let said: Promise<string> | null = null;

function whyNot(model: LanguageModelClass): Promise<string> {
  said ??= refusal(model);
  return said;
}

async function refusal(model: LanguageModelClass): Promise<string> {
  try {
    (await within(PATIENCE, model.create(ENGLISH))).destroy();
    return "";
  } catch (error) {
    return `${error}`;
  }
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the browser did not answer")), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

export function usageOf(model: LanguageModel): number | null {
  return finite(model.contextUsage ?? model.inputUsage);
}

export function windowOf(model: LanguageModel): number | null {
  return finite(model.contextWindow ?? model.inputQuota);
}

export async function measure(
  model: LanguageModel,
  input: readonly Message[],
): Promise<number | null> {
  try {
    return finite(
      await (model.measureContextUsage?.(input) ?? model.measureInputUsage?.(input) ?? null),
    );
  } catch {
    return null; // a prompt that is too long is said by the prompt itself
  }
}

function finite(value: number | null | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
