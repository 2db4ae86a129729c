import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import {
  type CommandPalette,
  ICommandPalette,
  IToolbarWidgetRegistry,
  type ToolbarRegistry,
} from "@jupyterlab/apputils";
import { INotebookTracker, type NotebookPanel, type NotebookTracker } from "@jupyterlab/notebook";
import { ISettingRegistry, type SettingRegistry } from "@jupyterlab/settingregistry";
import { ensureStyle } from "../../../widget/src/style.ts";
import { followSettings } from "../settings.ts";
import { addCommands } from "./commands.ts";
import { ModelButton } from "./model-button.ts";
import css from "./models.css";

/** The default model in the notebook's toolbar; commands; settings. */
export const models: JupyterFrontEndPlugin = {
  id: "ipyllm:plugin",
  description: "Shows which model answers, and commands for answers.",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [IToolbarWidgetRegistry, ICommandPalette, ISettingRegistry],
  activate(
    app: JupyterFrontEnd,
    tracker: NotebookTracker,
    toolbars: ToolbarRegistry | null,
    palette: CommandPalette | null,
    registry: SettingRegistry | null,
  ): void {
    const buttons = new Map<NotebookPanel, ModelButton>();
    void followSettings(registry);
    toolbars?.addFactory("Notebook", "ipyllm-model", (panel: NotebookPanel) => {
      ensureStyle(document.head, "data-ipyllm-models", css);
      const button = new ModelButton(panel);
      buttons.set(panel, button);
      panel.disposed.connect(() => void buttons.delete(panel));
      return button;
    });
    addCommands(app, tracker, palette, (take) => {
      const panel = tracker.currentWidget;
      if (panel) buttons.get(panel)?.open(take);
    });
  },
};
