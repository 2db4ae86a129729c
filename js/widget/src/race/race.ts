import type { Model } from "../host.ts";
import { interruptKernel } from "../interrupt.ts";
import { Stop } from "../stop.ts";
import { ensureStyle } from "../style.ts";
import { readLanes } from "./lane.ts";
import css from "./track.css";
import { Track } from "./track.ts";

/** The times change at most this often (ms): at 60 Hz they cannot be read. */
const TICK = 100;

/** The anywidget module of the track: the kernel sets its `lanes`, the page counts on by itself between. */
export default {
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    let start = Number.POSITIVE_INFINITY;
    let ticker: ReturnType<typeof setInterval> | undefined;
    const stop = new Stop({
      send: () => model.send({ kind: "stop" }),
      interrupt: () => interruptKernel(model),
      mode: () => model.get("mode"),
      changed: () => paint(),
    });
    const track = new Track(() => stop.press());
    const paint = () => {
      const lanes = readLanes(model.get("lanes"));
      track.paint(lanes, Math.max(0, (performance.now() - start) / 1000), stop);
      if (lanes.length > 0 && lanes.every((lane) => lane.end !== null)) {
        stop.end();
        clearInterval(ticker);
      }
    };
    const hear = () => {
      // The message that was under way the shortest tells the time best.
      start = Math.min(start, performance.now() - 1000 * Number(model.get("now")));
      paint();
    };
    const listen = (content: unknown) => {
      if ((content as { kind?: unknown } | null)?.kind === "ack") stop.ack();
    };
    model.on("change:lanes", hear);
    model.on("msg:custom", listen);
    el.append(track.node);
    const dress = () => ensureStyle(el, "data-ipyllm-race", css);
    dress();
    // JupyterLab renders before it attaches; only then can a shadow root be seen.
    requestAnimationFrame(dress);
    ticker = setInterval(paint, TICK);
    hear();
    return () => {
      clearInterval(ticker);
      stop.end();
      model.off("change:lanes", hear);
      model.off("msg:custom", listen);
      track.node.remove();
    };
  },
};
