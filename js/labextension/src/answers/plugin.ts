import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, type NotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry, type RenderMimeRegistry } from "@jupyterlab/rendermime";
import { loadViewsLater } from "./load-views.ts";
import { SavedAnswer } from "./saved-answer.ts";
import { JSON_TYPE } from "./saved-json.ts";

/** Before text/html, which has 50, and after a live widget, which has 0. */
const RANK = 40;

/** Saved answers look and work as they did when they were live. */
export const answers: JupyterFrontEndPlugin = {
  id: "ipyllm:answers",
  description: "Shows saved answers with their times, tool calls and values.",
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate(
    app: JupyterFrontEnd,
    registry: RenderMimeRegistry,
    tracker: NotebookTracker | null,
  ): void {
    registry.addFactory({
      // It makes no node and no style of what is in the notebook but those it knows.
      safe: true,
      mimeTypes: [JSON_TYPE],
      defaultRank: RANK,
      createRenderer: ({ latexTypesetter: typesetter }) =>
        new SavedAnswer({ typesetter, plain: () => registry.createRenderer("text/markdown") }),
    });
    // Before the first answer ends; JupyterLab itself opens first.
    tracker?.widgetAdded.connect(() => void app.restored.then(loadViewsLater));
  },
};
