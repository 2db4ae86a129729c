/** What we use of anywidget's front-end objects (0.11) and of ipywidgets' manager behind them. */

export interface Kernel {
  readonly id: string;
  interrupt?(): Promise<void>;
  readonly serverSettings?: { readonly baseUrl?: string };
}

export interface WidgetManager {
  get_model?(id: string): Promise<{ get(key: string): unknown }>;
  readonly kernel?: Kernel | null;
  /** Private; in JupyterLab 4.6 the page's MathJax, which is no global. */
  readonly _rendermime?: { readonly latexTypesetter?: { typeset(node: HTMLElement): void } | null };
}

export interface Model {
  get(key: string): unknown;
  send(content: unknown): void;
  on(name: "msg:custom" | "change:lanes", callback: (content: unknown) => void): void;
  off(name: "msg:custom" | "change:lanes", callback: (content: unknown) => void): void;
  /** Missing in front ends that are not built on ipywidgets. */
  readonly widget_manager?: WidgetManager;
}

/** An anywidget module instance. `early`: messages that arrived before it, in order; only our loader gives them. */
export interface Widget {
  initialize(props: { model: Model; early?: readonly unknown[] }): () => void;
  render(props: { model: Model; el: HTMLElement }): () => void;
}
