/** The views of the live widget, for answers that were saved: fetched when there is one. */
import { Answer } from "../../../widget/src/answer.ts";
import type { Session } from "../../../widget/src/session.ts";
import { ensureStyle } from "../../../widget/src/style.ts";
import css from "../../../widget/src/theme.css";
import { type Saved, SavedSession } from "./saved-session.ts";

export type { Saved } from "./saved-session.ts";

export interface SavedView {
  readonly node: HTMLElement;
  dispose(): void;
}

/** `typeset`: what becomes of a block with formulas. */
export default function show(saved: Saved, typeset: (block: HTMLElement) => void): SavedView {
  ensureStyle(document, "data-ipyllm", css);
  // A class with private fields is nobody else's type; that all it has is there, SavedSession is checked for.
  const session: unknown = new SavedSession(saved, typeset);
  const answer = new Answer(session as Session);
  answer.node.querySelector(".ipyllm-meter")?.setAttribute("aria-label", "context");
  return answer;
}
