/**
 * The views of structure that streams: typed answers and tool calls. A module of its own, loaded only where an
 * answer needs it.
 */
import { CallsView } from "./calls-view.ts";
import type { CardHooks } from "./card.ts";
import { ensureStyle } from "./style.ts";
import { ValueView } from "./value-view.ts";

export type { CallsView } from "./calls-view.ts";
export type { CardHooks, CardPhase, CardState } from "./card.ts";
export type { Path } from "./tree-view.ts";
export type { ValueView } from "./value-view.ts";

/** `around`: where the view will be shown; in a shadow root the style sheet goes there. */
export default {
  value(around: Node = document): ValueView {
    ensureStyle(around);
    return new ValueView();
  },
  calls(hooks: CardHooks, around: Node = document): CallsView {
    ensureStyle(around);
    return new CallsView(hooks);
  },
};
