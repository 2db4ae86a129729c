import type { Host, Prompt } from "./host.ts";
import type { Here } from "./language-model.ts";
import { probe } from "./language-model.ts";
import { Outbox } from "./outbox.ts";
import { PageRun } from "./page-run.ts";
import { Sessions } from "./sessions.ts";

/** Names this page among those that show the same notebook. */
const client = `${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`;
const sessions = new Sessions();
/** Ids are the kernel's own: two notebooks of a page may have the same. */
const runs = new Map<Host, Map<string, PageRun>>();
let asked: Promise<Here> | null = null;

/** Kernel to page. */
type Told =
  | { op: "who" }
  | { op: "run"; client: string; id: string; prompt: Prompt | null; js: string | null }
  | { op: "abort"; id: string }
  | { op: "ping"; client: string; next: Record<string, number> }
  | { op: "over"; id: string };

/** One message of the kernel's to this answer; null: the answer's session is gone. */
export default function receive(host: Host, content: unknown): void {
  if (content === null) {
    leave(host);
    return;
  }
  const told = content as Told;
  const own = runs.get(host);
  switch (told.op) {
    case "who":
      void hello(host);
      break;
    case "run":
      if (told.client === client && !own?.has(told.id)) void begin(host, told);
      break;
    case "abort":
      own?.get(told.id)?.abort();
      break;
    case "ping":
      if (told.client !== client) break;
      host.send({ kind: "browser", op: "pong", client });
      for (const [id, next] of Object.entries(told.next)) own?.get(id)?.outbox.again(next);
      break;
    case "over":
      own?.delete(told.id);
      if (!own?.size) runs.delete(host);
      break;
    default:
  }
}

async function begin(host: Host, told: Told & { op: "run" }): Promise<void> {
  const run = new PageRun(host, new Outbox(host, client, told.id));
  const own = runs.get(host) ?? new Map<string, PageRun>();
  runs.set(host, own.set(told.id, run));
  if (told.prompt) await run.prompt(told.prompt, sessions);
  else await run.script(told.js ?? "[]");
}

async function hello(host: Host): Promise<void> {
  // One question at a time; what was missing a moment ago may be there now.
  asked ??= probe().finally(() => {
    asked = null;
  });
  const visible = document.visibilityState === "visible";
  const { state, reason } = await asked;
  const focused = visible && document.hasFocus();
  host.send({
    kind: "browser",
    op: "hello",
    client,
    agent: agent(),
    visible,
    focused,
    state,
    reason,
  });
}

interface Brands {
  readonly userAgentData?: { readonly brands: readonly { brand: string; version: string }[] };
}

function agent(): string {
  const brands = (navigator as Brands).userAgentData?.brands ?? [];
  const real = brands.filter(({ brand }) => !/not.*brand/i.test(brand));
  const best = real.find(({ brand }) => brand !== "Chromium") ?? real[0];
  if (best) return `${best.brand} ${best.version}`.replace(/^Google /, "");
  return /(Firefox|Safari|Chrome)\/[\d]+/.exec(navigator.userAgent)?.[0]?.replace("/", " ") ?? "";
}

/** Nobody is left to tell: stop. */
function leave(host: Host): void {
  const own = runs.get(host);
  if (!own) return;
  runs.delete(host);
  const going = [...own.values()].filter((run) => !run.ended);
  if (!going.length) return;
  for (const run of going) run.abort();
  host.send({ kind: "browser", op: "bye", client });
}

addEventListener("pagehide", () => {
  for (const host of runs.keys()) leave(host);
});
