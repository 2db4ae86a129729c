import type { Readout } from "./readout.ts";

/**
 * The status line under an answer. All its nodes are made once; painting changes texts and `hidden`, and only
 * those that differ. Its height is the same in every state, with or without the button.
 */
export class Strip {
  readonly node = element("div", "ipyllm-strip");
  readonly #dot = element("span", "ipyllm-dot");
  readonly #title = element("span", "ipyllm-title");
  readonly #phase = element("span", "ipyllm-phase");
  readonly #bar = element("span", "ipyllm-bar");
  readonly #fill = element("span", "ipyllm-fill");
  readonly #read = element("span", "ipyllm-item");
  readonly #load = new Reading("loaded in ", "");
  readonly #ttft = new Reading("first token ", "");
  readonly #ttfa = new Reading("answer ", "");
  readonly #rate = new Reading("", " tok/s");
  readonly #tokens = new Reading("", " tok");
  readonly #elapsed = element("span", "ipyllm-item");
  readonly #aside = element("span", "ipyllm-aside");
  readonly #stop = document.createElement("button");

  constructor(onStop: () => void) {
    this.#dot.setAttribute("aria-hidden", "true");
    this.#bar.setAttribute("role", "progressbar");
    this.#bar.setAttribute("aria-label", "prompt read");
    this.#bar.append(this.#fill);
    this.#stop.type = "button";
    this.#stop.className = "ipyllm-stop";
    this.#stop.textContent = "Stop";
    this.#stop.title = "Stop; the text so far is kept";
    // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
    this.#stop.dataset.lmSuppressShortcuts = "true";
    this.#stop.addEventListener("click", onStop);
    const name = element("span", "ipyllm-name");
    name.append(this.#dot, this.#title);
    const readings = [this.#load, this.#ttft, this.#ttfa, this.#rate, this.#tokens];
    const line = element("div", "ipyllm-line");
    line.append(name, this.#phase, this.#bar, this.#read);
    line.append(...readings.map((reading) => reading.node), this.#elapsed, this.#aside);
    this.node.append(line, this.#stop);
  }

  paint(title: string, readout: Readout): void {
    this.node.dataset.tone = readout.tone;
    setText(this.#title, title);
    setProse(this.#phase, readout.phase);
    this.#paintProgress(readout.progress);
    this.#load.set(readout.load);
    this.#ttft.set(readout.ttft);
    this.#ttfa.set(readout.ttfa);
    this.#rate.set(readout.rate);
    this.#tokens.set(readout.tokens);
    setText(this.#elapsed, readout.elapsed);
    setText(this.#aside, readout.aside);
    this.#aside.classList.toggle("ipyllm-worried", readout.worried);
    this.#paintStop(readout.button);
  }

  #paintProgress(progress: Readout["progress"]): void {
    this.#bar.hidden = progress === null;
    setText(this.#read, progress?.text ?? "");
    if (progress === null) return;
    this.#fill.style.transform = `scaleX(${progress.fraction.toFixed(4)})`;
    this.#bar.setAttribute("aria-valuenow", `${Math.round(100 * progress.fraction)}`);
    this.#bar.setAttribute("aria-valuetext", progress.text);
  }

  #paintStop(button: Readout["button"]): void {
    // Not `disabled`, which would throw the keyboard's place away.
    this.#stop.setAttribute("aria-disabled", `${button === "stopping"}`);
    const gone = button === "none";
    if (gone && !this.#stop.hidden && document.activeElement === this.#stop) {
      this.node.tabIndex = -1;
      this.node.focus({ preventScroll: true });
    }
    this.#stop.hidden = gone;
  }
}

/** A number with its unit: "first token 312 ms". */
class Reading {
  readonly node: HTMLElement;
  readonly #value: HTMLElement;
  #digits = 0;

  constructor(before: string, after: string) {
    this.node = element("span", "ipyllm-item");
    this.#value = document.createElement("b");
    this.node.append(before, this.#value, after);
  }

  set(value: string): void {
    this.node.hidden = value === "";
    if (this.#value.textContent === value) return;
    this.#value.textContent = value;
    // Never narrower again: a rate between 99 and 100 would push what follows to and fro.
    this.#digits = Math.max(this.#digits, value.replace(/\D/g, "").length);
    this.#value.style.minWidth = `${this.#digits}ch`;
  }
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === "";
}

/** A sentence, with `code` between backticks. */
function setProse(node: HTMLElement, text: string): void {
  node.hidden = text === "";
  if (node.dataset.prose === text) return;
  node.dataset.prose = text;
  const pieces = text.split("`");
  // An odd number of backticks closes nothing: show them.
  const marked = pieces.length % 2 === 1;
  node.replaceChildren(...(marked ? pieces.map(prosePiece) : [text]));
}

function prosePiece(text: string, index: number): string | HTMLElement {
  if (index % 2 === 0) return text;
  const code = document.createElement("code");
  code.textContent = text;
  return code;
}

function element(name: string, className: string): HTMLElement {
  const node = document.createElement(name);
  node.className = className;
  return node;
}
