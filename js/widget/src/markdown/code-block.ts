import { TextView } from "../text-view.ts";
import { element } from "./dom.ts";

/** A block of code that grows at its end. */
export class CodeBlock {
  readonly node: HTMLElement;
  readonly code: HTMLElement;
  readonly #text: TextView;

  constructor(language: string, text = "") {
    this.#text = new TextView(language ? `language-${language}` : "", "code");
    this.code = this.#text.node;
    this.node = element("div", "ipyllm-code", header(language), element("pre", "", this.code));
    this.append(text);
  }

  append(text: string): void {
    this.#text.append(text);
  }
}

function header(language: string): HTMLElement {
  const copy = element("button", "ipyllm-copy", "Copy");
  copy.type = "button";
  return element("div", "ipyllm-code-head", element("span", "", language || "text"), copy);
}

/** What a press on a Copy button does; one listener serves all of a view's blocks. */
export function copyCode(button: Element): void {
  const code = button.closest(".ipyllm-code")?.querySelector("code");
  if (!code) return;
  const text = (code.textContent ?? "").replace(/\n$/, "");
  const said = (word: string) => {
    button.textContent = word;
    setTimeout(() => {
      button.textContent = "Copy";
    }, 1500);
  };
  // Absent on pages that are not secure.
  const written = navigator.clipboard?.writeText(text) ?? Promise.reject();
  written.then(
    () => said("Copied"),
    () => {
      getSelection()?.selectAllChildren(code);
      said(document.execCommand?.("copy") ? "Copied" : "Selected");
    },
  );
}
