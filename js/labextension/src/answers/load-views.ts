import type show from "./views.ts";

/** Where JupyterLab loaded us from, and the views' file beside it: both put in by build.mjs. */
declare const here: string;
declare const VIEWS: string;

type Show = typeof show;

let loaded: Show | null = null;
let loading: Promise<Show> | null = null;

/** The views, if they are here already: an answer that ends must not be away for a moment. */
export function views(): Show | null {
  return loaded;
}

export function loadViews(): Promise<Show> {
  loading ??= import(new URL(VIEWS, here).href).then(
    (module: { default: Show }) => {
      loaded = module.default;
      return loaded;
    },
    (error) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

/** Loads them when the page has nothing else to do. */
export function loadViewsLater(): void {
  if (loading) return;
  const load = () => void loadViews().catch(() => {});
  if ("requestIdleCallback" in globalThis) requestIdleCallback(load, { timeout: 5000 });
  else setTimeout(load, 1000);
}
