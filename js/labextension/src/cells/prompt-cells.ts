import { type Language, language } from "@codemirror/language";
import { Compartment, EditorState, type Extension, Prec } from "@codemirror/state";
import { EditorView, ViewPlugin } from "@codemirror/view";
import { settings } from "../settings.ts";
import { ENOUGH, isPrompt } from "./magic-line.ts";
import { promptLanguage } from "./prompt-language.ts";

/**
 * A language of its own for a code cell while its source begins with `%%llm`, in place of the kernel's. Any other
 * cell costs a look at its first 64 characters per change.
 *
 * It comes and goes in the very change that makes a cell a prompt. A facet that depends on the text cannot do that:
 * CodeMirror's language state wants a language as soon as the facet is there at all.
 */
export class PromptCells {
  readonly #load: () => Promise<Language | null>;
  readonly #marks: Extension;
  readonly #slot = new Compartment();
  /** Made when the first prompt is seen: JupyterLab opens 1 ms earlier, and knows the user's settings by then. */
  #prompt: Extension | null = null;
  #loading: Promise<void> | null = null;

  /**
   * `load`: gives Markdown's language, as the front end has it; `marks`: what else a prompt has.
   */
  constructor(load: () => Promise<Language | null>, marks: Extension = []) {
    this.#load = load;
    this.#marks = marks;
  }

  /** What every code cell gets. */
  get extension(): Extension {
    return [
      Prec.highest(this.#slot.of([])),
      EditorState.transactionExtender.of((change) => {
        if (!change.docChanged) return null;
        const effect = this.#turn(change.startState, change.newDoc.sliceString(0, ENOUGH));
        return effect && { effects: effect };
      }),
      ViewPlugin.define((view) => {
        // A view cannot be changed while it is made; this is still before it is seen.
        queueMicrotask(() => this.#look(view));
        return { update: ({ docChanged }) => docChanged && this.#want(view) };
      }),
    ];
  }

  has(state: EditorState): boolean {
    const now = this.#slot.get(state);
    return Array.isArray(now) && now.length > 0;
  }

  get #now(): Extension {
    this.#prompt ??= this.#of(null);
    return this.#prompt;
  }

  #of(markdown: Language | null): Extension {
    return [
      language.of(promptLanguage(markdown?.parser ?? null)),
      settings.wrapPrompts ? EditorView.lineWrapping : [],
      this.#marks,
    ];
  }

  #look(view: EditorView): void {
    const effects = this.#turn(view.state, view.state.sliceDoc(0, ENOUGH));
    if (effects) view.dispatch({ effects });
    this.#want(view);
  }

  /** What makes it a prompt, or none any more; null if it is right as it is. */
  #turn(state: EditorState, start: string) {
    const prompt = isPrompt(start);
    if (prompt === this.has(state)) return null;
    return this.#slot.reconfigure(prompt ? this.#now : []);
  }

  /** Loads Markdown once the first prompt is seen. */
  #want(view: EditorView): void {
    const has = this.#slot.get(view.state);
    if (!this.has(view.state) || (this.#loading && has === this.#prompt)) return;
    this.#loading ??= this.#load().then((markdown) => {
      this.#prompt = this.#of(markdown);
    });
    this.#loading.then(
      () => {
        if (this.has(view.state)) view.dispatch({ effects: this.#slot.reconfigure(this.#now) });
      },
      () => {}, // plain prose reads well
    );
  }
}
