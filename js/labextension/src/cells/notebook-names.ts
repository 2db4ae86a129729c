import type { EditorView } from "@codemirror/view";
import type { NotebookPanel, NotebookTracker } from "@jupyterlab/notebook";
import { KernelNames } from "./kernel-names.ts";
import { learned, type NamesHost } from "./references.ts";

/** What a notebook's kernel knows, and the prompts that want to hear of it. */
interface Circle {
  readonly names: KernelNames;
  readonly views: Set<EditorView>;
}

/** Finds the notebook an editor is in. */
export class NotebookNames implements NamesHost {
  readonly #tracker: NotebookTracker;
  readonly #circles = new Map<NotebookPanel, Circle>();
  readonly #found = new WeakMap<EditorView, Circle>();

  constructor(tracker: NotebookTracker) {
    this.#tracker = tracker;
  }

  of(view: EditorView): KernelNames | null {
    let circle = this.#found.get(view);
    if (!circle) {
      const panel = this.#tracker.find(({ node }) => node.contains(view.dom));
      if (!panel) return null;
      circle = this.#circles.get(panel) ?? this.#draw(panel);
      this.#found.set(view, circle);
    }
    circle.views.add(view);
    return circle.names;
  }

  leave(view: EditorView): void {
    this.#found.get(view)?.views.delete(view);
  }

  #draw(panel: NotebookPanel): Circle {
    const views = new Set<EditorView>();
    const tell = () => {
      for (const view of views) view.dispatch({ effects: learned.of(null) });
    };
    const circle = { names: new KernelNames(panel.sessionContext, tell), views };
    this.#circles.set(panel, circle);
    panel.disposed.connect(() => {
      circle.names.dispose();
      this.#circles.delete(panel);
    });
    return circle;
  }
}
