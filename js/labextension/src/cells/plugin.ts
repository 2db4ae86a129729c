import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import {
  type EditorExtensions,
  type EditorLanguages,
  IEditorExtensionRegistry,
  IEditorLanguageRegistry,
} from "@jupyterlab/codemirror";
import { INotebookTracker, type NotebookTracker } from "@jupyterlab/notebook";
import { ensureStyle } from "../../../widget/src/style.ts";
import css from "./cells.css";
import { NotebookNames } from "./notebook-names.ts";
import { PromptCells } from "./prompt-cells.ts";
import { referenceMarks } from "./references.ts";

/** JupyterLab's Markdown, formulas and code in it included. */
const MARKDOWN = "ipythongfm";

/** `%%llm` cells read as prose. */
export const cells: JupyterFrontEndPlugin = {
  id: "ipyllm:cells",
  description: "Shows %%llm cells as a command line and prose.",
  autoStart: true,
  requires: [IEditorExtensionRegistry, IEditorLanguageRegistry, INotebookTracker],
  activate(
    _app: JupyterFrontEnd,
    extensions: EditorExtensions,
    languages: EditorLanguages,
    tracker: NotebookTracker,
  ): void {
    const prompts = new PromptCells(
      async () => {
        ensureStyle(document.head, "data-ipyllm-cells", css);
        const markdown = await languages.getLanguage(MARKDOWN);
        return markdown?.support?.language ?? null;
      },
      referenceMarks(new NotebookNames(tracker)),
    );
    extensions.addExtension({
      name: "ipyllm:prompt",
      factory: ({ inline, model }) =>
        inline && model.type === "code"
          ? { instance: () => prompts.extension, reconfigure: () => null }
          : null,
    });
  },
};
