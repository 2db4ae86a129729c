/**
 * The views of structure that streams: typed answers and tool calls. A module of its own, loaded only where an
 * answer needs it.
 */
import { ensureStyle } from "../style.ts";
import { CallsView } from "./calls-view.ts";
import type { CardHooks } from "./card.ts";
import css from "./structure.css";
import { ValueView } from "./value-view.ts";

const dress = (around: Node) => ensureStyle(around, "data-ipyllm-structure", css);

export type { CallsView } from "./calls-view.ts";
export type { CardHooks, CardPhase, CardState } from "./card.ts";
export type { Path } from "./tree-view.ts";
export type { ValueView } from "./value-view.ts";

/** `around`: where the view will be shown; in a shadow root the style sheet goes there. */
export default {
  value(around: Node = document): ValueView {
    dress(around);
    return new ValueView();
  },
  calls(hooks: CardHooks, around: Node = document): CallsView {
    dress(around);
    return new CallsView(hooks);
  },
};
