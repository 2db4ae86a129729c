import type { Model, Widget } from "./host.ts";
import { importCode } from "./import-code.ts";

type Bundle = { default: () => Widget };

/**
 * The `_esm` of every answer. The bundle itself is sent once per kernel, as the `code` of a library widget; this
 * fetches it, and keeps what arrives in the meantime.
 *
 * `initialize` returns at once: anywidget 0.11 holds back the page's kernel messages until it has, and loses
 * them all if that takes 2 s. `render` is what waits.
 */
export default () => {
  let bundled: Promise<Widget>;
  return {
    initialize({ model }: { model: Model }) {
      const early: unknown[] = [];
      const keep = (content: unknown): void => void early.push(content);
      let gone = false;
      let cleanup = (): void => model.off("msg:custom", keep);
      model.on("msg:custom", keep);
      bundled = library(model).then((bundle) => {
        const widget = bundle.default();
        cleanup();
        // In one go, so that no message can come between the two listeners.
        if (!gone) cleanup = widget.initialize({ model, early });
        return widget;
      });
      bundled.catch(() => {}); // said in render, where it can be seen
      return () => {
        gone = true;
        cleanup();
      };
    },
    async render({ model, el }: { model: Model; el: HTMLElement }) {
      try {
        return (await bundled).render({ model, el });
      } catch (error) {
        el.textContent = `ipyllm: the live view could not be loaded (${error}). The answer itself is kept by the kernel.`;
        return () => {};
      }
    },
  };
};

/** One import per library and page, shared by all answers; a failure is not kept. */
async function library(model: Model): Promise<Bundle> {
  const key = Symbol.for("ipyllm");
  const page = globalThis as { [key]?: Map<string, Promise<Bundle>> };
  page[key] ??= new Map();
  const modules = page[key];
  const id = String(model.get("_library"));
  const known = modules.get(id);
  if (known) return known;
  const loading = load(model, id);
  modules.set(id, loading);
  loading.catch(() => modules.delete(id));
  return loading;
}

async function load(model: Model, id: string): Promise<Bundle> {
  const holder = await model.widget_manager?.get_model?.(id);
  const code = holder?.get("code");
  if (typeof code !== "string") throw new Error("no library model");
  return importCode<Bundle>(code);
}
