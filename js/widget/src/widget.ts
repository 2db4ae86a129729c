import { Answer } from "./answer.ts";
import type { Widget } from "./host.ts";
import { Session } from "./session.ts";
import { ensureStyle } from "./style.ts";
import css from "./theme.css";

/**
 * The anywidget module. A function, so that each model gets its own instance: `initialize` and `render` are
 * given different proxies of the model and could not find each other's session by it.
 */
export default function answerWidget(): Widget {
  let session: Session | null = null;
  return {
    initialize({ model, early = [] }) {
      const own = new Session(model);
      session = own;
      for (const content of early) own.receive(content);
      return () => own.dispose();
    },
    render({ model, el }) {
      session ??= new Session(model);
      const answer = new Answer(session);
      el.append(answer.node);
      const dress = () => ensureStyle(el, "data-ipyllm", css);
      dress();
      // JupyterLab renders before it attaches; only then can a shadow root be seen.
      requestAnimationFrame(dress);
      return () => {
        answer.dispose();
        answer.node.remove();
      };
    },
  };
}
