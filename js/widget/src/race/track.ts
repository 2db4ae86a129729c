import { latency } from "../format.ts";
import { element } from "../markdown/dom.ts";
import type { Stop } from "../stop.ts";
import type { Lane } from "./lane.ts";
import { ordinal, places } from "./lane.ts";

const SVG = "http://www.w3.org/2000/svg";

/** The axis is never shorter (s): bars would leap at the start. */
const SHORTEST = 0.5;

/**
 * A line for each lane, all on one clock: pale while it waits for the first token, full while it streams. Made as
 * `track_html` in widget/track.py makes it, which takes its place at the end.
 */
export class Track {
  readonly node = element("div", "ipyllm-race");
  readonly #clock = element("th", "ipyllm-race-clock");
  readonly #stop = element("button", "ipyllm-race-stop");
  readonly #hint = element("span", "ipyllm-race-hint");
  readonly #rows: Row[] = [];
  readonly #body = element("tbody");

  constructor(stop: () => void) {
    this.#stop.type = "button";
    this.#stop.textContent = "Stop all";
    this.#stop.title = "Stop every answer; the texts so far are kept";
    this.#stop.addEventListener("click", stop);
    const head = element(
      "tr",
      "",
      this.#clock,
      element("th", "ipyllm-race-middle", this.#stop, this.#hint),
      element("th", "", "first token"),
      element("th", "", "end"),
    );
    this.#body.append(head);
    this.node.append(element("table", "", this.#body));
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "race");
  }

  /** `now`: seconds from the start of the race. */
  paint(lanes: readonly Lane[], now: number, stop: Pick<Stop, "state" | "hint">): void {
    while (this.#rows.length < lanes.length) {
      const row = new Row();
      this.#rows.push(row);
      this.#body.append(row.node);
    }
    const active = lanes.some((lane) => lane.end === null);
    const span = Math.max(SHORTEST, ...lanes.map((lane) => lane.end ?? now));
    const first = places(lanes.map((lane) => lane.first));
    const last = places(lanes.map((lane) => (lane.finished ? lane.end : null)));
    setText(this.#clock, `one clock, ${latency(span)}`);
    const pressed = stop.state === "asked" || stop.state === "acked";
    this.#stop.hidden = !active;
    this.#stop.setAttribute("aria-disabled", `${pressed}`);
    setText(this.#hint, active ? stop.hint : "");
    lanes.forEach((lane, index) => {
      this.#rows[index]?.paint(lane, span, now, first[index] ?? null, last[index] ?? null);
    });
  }
}

class Row {
  readonly node: HTMLTableRowElement;
  readonly #name = element("td", "ipyllm-race-name");
  readonly #waiting = rect("ipyllm-race-waiting");
  readonly #streaming = rect("ipyllm-race-streaming");
  readonly #first = new Time();
  readonly #end = new Time();

  constructor() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.append(this.#waiting, this.#streaming);
    const bar = element("td", "ipyllm-race-bar", svg);
    this.node = element("tr", "", this.#name, bar, this.#first.node, this.#end.node);
  }

  paint(lane: Lane, span: number, now: number, first: number | null, last: number | null): void {
    const end = lane.end ?? now;
    const meet = Math.min(lane.first ?? end, end);
    this.node.dataset.state = lane.state;
    setText(this.#name, lane.title);
    place(this.#waiting, 0, meet / span);
    place(this.#streaming, meet / span, end / span);
    this.#first.paint(lane.first, first, "");
    this.#end.paint(lane.end, last, lane.finished ? "" : lane.state);
  }
}

/** A time and the place it earned. */
class Time {
  readonly #text = document.createTextNode("");
  readonly #place = element("span", "ipyllm-race-place");
  readonly node = element("td", "ipyllm-race-time", this.#text, this.#place);

  paint(seconds: number | null, place: number | null, instead: string): void {
    const said = seconds === null ? "–" : latency(seconds);
    if (this.#text.data !== said) this.#text.data = said;
    setText(this.#place, seconds === null ? "" : place === null ? instead : ordinal(place));
    this.#place.classList.toggle("ipyllm-race-won", place === 1);
  }
}

function rect(className: string): SVGRectElement {
  const node = document.createElementNS(SVG, "rect");
  node.setAttribute("class", className);
  node.setAttribute("y", "6");
  node.setAttribute("height", "8");
  node.setAttribute("rx", "1");
  return node;
}

function place(node: SVGRectElement, from: number, to: number): void {
  node.setAttribute("x", `${(100 * from).toFixed(2)}%`);
  const width = to > from ? Math.max(100 * (to - from), 0.3) : 0;
  node.setAttribute("width", `${width.toFixed(2)}%`);
}

function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
