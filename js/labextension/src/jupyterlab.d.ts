/**
 * What we use of JupyterLab 4 and Notebook 7. Their own declarations come with 280 packages and 525 MB; whether these
 * here are true is what tests/browser/test_labextension.py finds out, in both.
 */
declare module "@lumino/coreutils" {
  export class Token<T> {
    readonly name: string;
    /** Never there: it ties the type to the token. */
    private readonly type?: T;
  }
}

declare module "@lumino/signaling" {
  export interface Signal<Sender, Args> {
    connect(slot: (sender: Sender, args: Args) => void): boolean;
    disconnect(slot: (sender: Sender, args: Args) => void): boolean;
  }
}

declare module "@lumino/widgets" {
  import type { Signal } from "@lumino/signaling";

  export class Widget {
    constructor(options?: { node?: HTMLElement });
    readonly node: HTMLElement;
    readonly id: string;
    readonly isAttached: boolean;
    readonly isDisposed: boolean;
    readonly disposed: Signal<Widget, void>;
    parent: Widget | null;
    addClass(name: string): void;
    dispose(): void;
    protected onAfterAttach(message: unknown): void;
  }
}

declare module "@jupyterlab/application" {
  import type { Token } from "@lumino/coreutils";

  export interface CommandOptions {
    label: string;
    caption?: string;
    isEnabled?: () => boolean;
    execute(args: Readonly<Record<string, unknown>>): unknown;
  }
  export interface Commands {
    addCommand(id: string, options: CommandOptions): void;
    execute(id: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
    notifyCommandChanged(id?: string): void;
  }
  export interface JupyterFrontEnd {
    readonly commands: Commands;
    readonly restored: Promise<void>;
  }
  export interface JupyterFrontEndPlugin {
    readonly id: string;
    readonly description: string;
    readonly autoStart: boolean;
    readonly requires: readonly Token<unknown>[];
    readonly optional?: readonly Token<unknown>[];
    /** Given what it required; of the optional, null where there is none. */
    activate(app: JupyterFrontEnd, ...services: never[]): void;
  }
}

declare module "@jupyterlab/apputils" {
  import type { Token } from "@lumino/coreutils";
  import type { Widget } from "@lumino/widgets";

  export interface CommandPalette {
    addItem(item: { command: string; category: string }): unknown;
  }
  export const ICommandPalette: Token<CommandPalette>;
  export interface ToolbarRegistry {
    addFactory<Main>(place: string, name: string, factory: (main: Main) => Widget): unknown;
  }
  export const IToolbarWidgetRegistry: Token<ToolbarRegistry>;
}

declare module "@jupyterlab/settingregistry" {
  import type { Token } from "@lumino/coreutils";
  import type { Signal } from "@lumino/signaling";

  export interface Settings {
    readonly composite: Readonly<Record<string, unknown>>;
    readonly changed: Signal<Settings, void>;
  }
  export interface SettingRegistry {
    load(plugin: string): Promise<Settings>;
  }
  export const ISettingRegistry: Token<SettingRegistry>;
}

declare module "@jupyterlab/codemirror" {
  import type { LanguageSupport } from "@codemirror/language";
  import type { Extension } from "@codemirror/state";
  import type { Token } from "@lumino/coreutils";

  export interface EditorExtension {
    readonly name: string;
    factory(options: { readonly inline: boolean; readonly model: { readonly type?: unknown } }): {
      instance(value: unknown): Extension;
      reconfigure(value: unknown): null;
    } | null;
  }
  export interface EditorExtensions {
    addExtension(extension: EditorExtension): void;
  }
  export const IEditorExtensionRegistry: Token<EditorExtensions>;
  export interface EditorLanguages {
    getLanguage(name: string): Promise<{ readonly support?: LanguageSupport } | null>;
  }
  export const IEditorLanguageRegistry: Token<EditorLanguages>;
}

declare module "@jupyterlab/rendermime" {
  import type { Token } from "@lumino/coreutils";
  import type { Widget } from "@lumino/widgets";

  export interface MimeModel {
    readonly trusted: boolean;
    readonly data: Readonly<Record<string, unknown>>;
    readonly metadata: Readonly<Record<string, unknown>>;
  }
  export interface Renderer extends Widget {
    renderModel(model: MimeModel): Promise<void>;
  }
  export interface LatexTypesetter {
    typeset(node: HTMLElement): unknown;
  }
  export interface RendererFactory {
    readonly safe: boolean;
    readonly mimeTypes: readonly string[];
    readonly defaultRank: number;
    createRenderer(options: { readonly latexTypesetter: LatexTypesetter | null }): Renderer;
  }
  export interface RenderMimeRegistry {
    addFactory(factory: RendererFactory): void;
    createRenderer(mimeType: string): Renderer;
  }
  export const IRenderMimeRegistry: Token<RenderMimeRegistry>;
}

declare module "@jupyterlab/notebook" {
  import type { Token } from "@lumino/coreutils";
  import type { Signal } from "@lumino/signaling";
  import type { Widget } from "@lumino/widgets";

  export interface KernelMessage {
    readonly header: { readonly msg_type: string };
    readonly content: Readonly<Record<string, unknown>>;
  }
  export interface Comm {
    readonly isDisposed: boolean;
    onMsg: (message: KernelMessage) => void;
    onClose: (message: KernelMessage) => void;
    open(content?: object): unknown;
    send(content: object): unknown;
    close(): unknown;
  }
  export interface Kernel {
    readonly id: string;
    readonly status: string;
    readonly isDisposed: boolean;
    createComm(target: string): Comm;
    requestInspect(content: {
      code: string;
      cursor_pos: number;
      detail_level: 0;
    }): Promise<{ readonly content: Readonly<Record<string, unknown>> }>;
    interrupt(): Promise<void>;
  }
  export interface SessionContext {
    readonly session: { readonly kernel: Kernel | null } | null;
    readonly statusChanged: Signal<SessionContext, string>;
    readonly kernelChanged: Signal<SessionContext, unknown>;
    readonly iopubMessage: Signal<SessionContext, KernelMessage>;
  }
  export interface CodeCell extends Widget {
    readonly model: {
      readonly type: string;
      readonly sharedModel: { getSource(): string; setSource(source: string): void };
      readonly outputs?: {
        readonly length: number;
        get(index: number): { readonly data: Readonly<Record<string, unknown>> };
      };
    };
  }
  export interface NotebookPanel extends Widget {
    readonly sessionContext: SessionContext;
    readonly content: Widget & { readonly activeCell: CodeCell | null };
  }
  export interface NotebookTracker {
    readonly currentWidget: NotebookPanel | null;
    readonly currentChanged: Signal<unknown, NotebookPanel | null>;
    readonly activeCellChanged: Signal<unknown, CodeCell | null>;
    readonly widgetAdded: Signal<unknown, NotebookPanel>;
    forEach(each: (panel: NotebookPanel) => void): void;
    find(is: (panel: NotebookPanel) => boolean): NotebookPanel | undefined;
  }
  export const INotebookTracker: Token<NotebookTracker>;
}
