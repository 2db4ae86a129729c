import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { CommandPalette } from "@jupyterlab/apputils";
import type { CodeCell, NotebookTracker } from "@jupyterlab/notebook";
import { copyText } from "../../../widget/src/clipboard.ts";
import { JSON_TYPE, text } from "../answers/saved-json.ts";
import { isPrompt } from "../cells/magic-line.ts";
import { withModel } from "../cells/with-model.ts";

const STOP = ".ipyllm-stop:not([hidden])";
const CATEGORY = "LLM";

/** Stop, run with another model, copy as Markdown: for the active cell. */
export function addCommands(
  { commands }: JupyterFrontEnd,
  tracker: NotebookTracker,
  palette: CommandPalette | null,
  choose: (take: (model: string) => void) => void,
): void {
  const cell = () => tracker.currentWidget?.content.activeCell ?? null;
  const hasPrompt = () => isPrompt(cell()?.model.sharedModel.getSource() ?? "");
  const add = (id: string, label: string, isEnabled: () => boolean, execute: () => unknown) => {
    commands.addCommand(id, { label, isEnabled, execute });
    palette?.addItem({ command: id, category: CATEGORY });
  };
  const buttons = () =>
    [cell(), tracker.currentWidget?.content].flatMap((each) => [
      ...(each?.node.querySelectorAll<HTMLElement>(STOP) ?? []),
    ]);
  // The button in the output knows how: it may have to interrupt.
  add(
    "ipyllm:stop",
    "Stop the Answer",
    () => buttons().length > 0,
    () => buttons()[0]?.click(),
  );
  add("ipyllm:run-with", "Run with Another Model\u2026", hasPrompt, () => {
    const asked = cell();
    choose((model) => {
      const source = asked?.model.sharedModel;
      if (!asked || asked !== cell() || !source) return;
      source.setSource(withModel(source.getSource(), model));
      void commands.execute("notebook:run-cell");
    });
  });
  const answer = () => markdown(cell());
  add(
    "ipyllm:copy",
    "Copy the Answer as Markdown",
    () => answer() !== null,
    () => copyText(answer() ?? ""),
  );
}

/** The newest answer in a cell's output. */
function markdown(cell: CodeCell | null): string | null {
  const outputs = cell?.model.outputs;
  for (let index = (outputs?.length ?? 0) - 1; index >= 0; index--) {
    const data = outputs?.get(index).data ?? {};
    if (JSON_TYPE in data) return text(data["text/markdown"]);
  }
  return null;
}
