import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { answers } from "./answers/plugin.ts";
import { cells } from "./cells/plugin.ts";
import { models } from "./models/plugin.ts";

/** What JupyterLab and Notebook 7 start; each can be switched off by itself, with `jupyter labextension disable`. */
const plugins: JupyterFrontEndPlugin[] = [cells, answers, models];

export default plugins;
