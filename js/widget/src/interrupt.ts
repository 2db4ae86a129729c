import type { Kernel, Model } from "./host.ts";

/**
 * Interrupts the kernel: through the widget manager's own connection (JupyterLab 4, Notebook 7), and if that is
 * refused or not there, by the server's REST call.
 *
 * Rejects with a sentence for people if neither is possible.
 */
export async function interruptKernel(model: Model): Promise<void> {
  const kernel = model.widget_manager?.kernel;
  if (!kernel) throw new Error("interrupt the kernel by its own menu");
  try {
    if (!kernel.interrupt) throw new Error("no interrupt()");
    await kernel.interrupt();
  } catch {
    await post(kernel);
  }
}

async function post(kernel: Kernel): Promise<void> {
  const url = `${baseUrl(kernel)}api/kernels/${encodeURIComponent(kernel.id)}/interrupt`;
  const headers = { "X-XSRFToken": cookie("_xsrf") };
  const response = await fetch(url, { method: "POST", headers, credentials: "same-origin" });
  if (!response.ok) throw new Error(`the server refused the interrupt (${response.status})`);
}

function baseUrl(kernel: Kernel): string {
  const page: unknown = JSON.parse(
    document.querySelector("#jupyter-config-data")?.textContent || "{}",
  );
  const base =
    typeof page === "object" &&
    page !== null &&
    "baseUrl" in page &&
    typeof page.baseUrl === "string"
      ? page.baseUrl
      : (kernel.serverSettings?.baseUrl ?? "/");
  return base.endsWith("/") ? base : `${base}/`;
}

function cookie(name: string): string {
  const entries = document.cookie.split("; ").map((entry) => entry.split("="));
  return decodeURIComponent(entries.find(([key]) => key === name)?.[1] ?? "");
}
