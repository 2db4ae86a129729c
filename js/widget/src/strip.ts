import type { Bars } from "./bars.ts";
import { BARS } from "./bars.ts";
import { element } from "./markdown/dom.ts";
import type { Readout } from "./readout.ts";

/** What the strip's buttons do. `copy` says whether it worked. */
export interface Actions {
  stop(): void;
  copy(): Promise<boolean>;
  raw(): void;
  timing(): void;
}

/** How long (ms) Copy says that it has. */
const COPIED = 1500;

/**
 * The status line under an answer. All its nodes are made once; painting changes texts and `hidden`, and only
 * those that differ. Its height is the same in every state, with or without buttons.
 */
export class Strip {
  readonly node = element("div", "ipyllm-strip");
  readonly #dot = element("span", "ipyllm-dot");
  readonly #title = element("span", "ipyllm-title");
  readonly #phase = element("span", "ipyllm-phase");
  readonly #read = new Meter("progressbar", "prompt read");
  readonly #load = new Reading("loaded in ", "");
  readonly #ttft = new Reading("first token ", "");
  readonly #ttfa = new Reading("answer ", "");
  readonly #rate = new Reading("", " tok/s");
  readonly #tokens = new Reading("", " tok");
  readonly #elapsed = element("span", "ipyllm-item");
  readonly #budget = new Meter("meter", "budget");
  readonly #aside = element("span", "ipyllm-aside");
  readonly #spark = new Spark();
  readonly #stop: HTMLButtonElement;
  readonly #copy: HTMLButtonElement;
  readonly #raw: HTMLButtonElement;
  readonly #timing: HTMLButtonElement;

  constructor(actions: Actions, panelId: string) {
    this.#dot.setAttribute("aria-hidden", "true");
    this.#stop = button("Stop", "Stop; the text so far is kept", actions.stop);
    this.#stop.classList.add("ipyllm-stop");
    this.#copy = button("Copy", "Copy the answer, as Markdown", () => {
      void actions.copy().then((copied) => this.#sayCopied(copied));
    });
    this.#raw = button("Raw", "Show the answer as the model wrote it", actions.raw);
    this.#raw.setAttribute("aria-pressed", "false");
    this.#timing = button("Timing ▾", "Where the time went", actions.timing);
    this.#timing.setAttribute("aria-expanded", "false");
    this.#timing.setAttribute("aria-controls", panelId);
    const readings = [this.#load, this.#ttft, this.#ttfa, this.#rate, this.#tokens];
    const line = element(
      "div",
      "ipyllm-line",
      element("span", "ipyllm-name", this.#dot, this.#title),
      this.#phase,
      ...this.#read.nodes,
      ...this.#budget.nodes,
      ...readings.map((reading) => reading.node),
      this.#elapsed,
      this.#aside,
      this.#spark.node,
    );
    this.node.append(line, this.#stop, this.#copy, this.#raw, this.#timing);
  }

  paint(title: string, readout: Readout, bars: Bars): void {
    this.node.dataset.tone = readout.tone;
    setText(this.#title, title);
    setProse(this.#phase, readout.phase);
    const { progress, budget } = readout;
    this.#read.set(progress?.fraction ?? 0, progress?.text ?? "");
    this.#budget.set(budget?.share ?? 0, (budget?.estimated ? "~" : "") + (budget?.text ?? ""));
    this.#load.set(readout.load);
    this.#ttft.set(readout.ttft);
    this.#ttfa.set(readout.ttfa);
    this.#rate.set(readout.rate);
    this.#tokens.set(readout.tokens);
    setText(this.#elapsed, readout.elapsed);
    setText(this.#aside, readout.aside);
    this.#aside.classList.toggle("ipyllm-worried", readout.worried);
    this.#spark.paint(readout.rate === "" ? { usual: "", stalls: "" } : bars.paths());
    this.#paintStop(readout.button);
  }

  /** What the two switches are set to. */
  paintSwitches(raw: boolean, timing: boolean): void {
    this.#raw.setAttribute("aria-pressed", `${raw}`);
    this.#timing.setAttribute("aria-expanded", `${timing}`);
    const label = `Timing ${timing ? "▴" : "▾"}`;
    if (this.#timing.textContent !== label) this.#timing.textContent = label;
  }

  /** In the button itself, whose label a screen reader says again. */
  #sayCopied(copied: boolean): void {
    this.#copy.textContent = copied ? "Copied" : "Failed";
    setTimeout(() => {
      this.#copy.textContent = "Copy";
    }, COPIED);
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

/** A bar, and what it says in words: "763 of 1,230 tokens". */
class Meter {
  readonly #fill = element("span", "ipyllm-fill");
  readonly #bar = element("span", "ipyllm-bar", this.#fill);
  readonly #text = element("span", "ipyllm-item");
  readonly nodes = [this.#bar, this.#text];

  constructor(role: "meter" | "progressbar", label: string) {
    this.#bar.setAttribute("role", role);
    this.#bar.setAttribute("aria-label", label);
    this.#bar.classList.add(`ipyllm-${role}`);
  }

  /** `text`: "" if there is nothing to say. */
  set(share: number, text: string): void {
    this.#bar.hidden = text === "";
    setText(this.#text, text);
    if (text === "") return;
    this.#bar.classList.toggle("ipyllm-worried", share > 0.9);
    this.#fill.style.transform = `scaleX(${Math.min(1, share).toFixed(4)})`;
    this.#bar.setAttribute("aria-valuenow", `${Math.round(100 * share)}`);
    this.#bar.setAttribute("aria-valuetext", text);
  }
}

/** The gaps between tokens as bars, stalls in another colour. */
class Spark {
  readonly node = shape("svg");
  readonly #usual = shape("path");
  readonly #stalls = shape("path");

  constructor() {
    this.node.setAttribute("class", "ipyllm-spark");
    this.node.setAttribute("width", `${3 * BARS}`);
    this.node.setAttribute("height", "16");
    this.node.setAttribute("role", "img");
    this.node.setAttribute("aria-label", "gaps between tokens");
    this.#stalls.setAttribute("class", "ipyllm-stalls");
    this.node.append(this.#usual, this.#stalls);
  }

  paint(paths: { usual: string; stalls: string }): void {
    this.node.toggleAttribute("hidden", paths.usual === "");
    setPath(this.#usual, paths.usual);
    setPath(this.#stalls, paths.stalls);
  }
}

function setPath(path: SVGElement, drawn: string): void {
  if (path.getAttribute("d") !== drawn) path.setAttribute("d", drawn);
}

function shape(name: string): SVGElement {
  return document.createElementNS("http://www.w3.org/2000/svg", name);
}

function button(label: string, title: string, onClick: () => void): HTMLButtonElement {
  const node = element("button", "ipyllm-button", label);
  node.type = "button";
  node.title = title;
  // Without it JupyterLab takes Enter and Space for the notebook's own shortcuts.
  node.dataset.lmSuppressShortcuts = "true";
  node.addEventListener("click", onClick);
  return node;
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
  return element("code", "", text);
}
