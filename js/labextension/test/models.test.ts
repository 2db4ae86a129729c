import { expect, test, vi } from "vitest";
import { ModelMenu } from "../src/models/model-menu.ts";
import { Models } from "../src/models/models.ts";

function signal() {
  const slots = new Set<(sender: unknown, args: never) => void>();
  return {
    connect: (slot: (sender: unknown, args: never) => void) => !!slots.add(slot),
    disconnect: (slot: (sender: unknown, args: never) => void) => slots.delete(slot),
    emit: (args: unknown) => {
      for (const slot of slots) slot(null, args as never);
    },
  };
}

function notebook(hasIpyllm: boolean) {
  const comm = {
    isDisposed: false,
    open: vi.fn(),
    send: vi.fn(),
    close: vi.fn(),
    onMsg: (_: unknown) => {},
    onClose: () => {},
  };
  const kernel = {
    status: "idle",
    isDisposed: false,
    loaded: hasIpyllm,
    createComm: vi.fn(() => comm),
    requestInspect: vi.fn(async () => ({ content: { status: "ok", found: kernel.loaded } })),
  };
  const context = {
    session: { kernel },
    iopubMessage: signal(),
    statusChanged: signal(),
    kernelChanged: signal(),
  };
  const models = new Models(context as never);
  const tell = (data: unknown) => comm.onMsg({ content: { data } });
  return { comm, kernel, context, models, tell };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const LISTED = [
  { name: "openai/", state: "unset", detail: "OPENAI_API_KEY is not set" },
  { name: "local", state: "ready", detail: "" },
  { name: "ollama/one", state: "ready", detail: "" },
  { name: "vllm/", state: "off", detail: "no server" },
];

test("a kernel with ipyllm is asked for its default model", async () => {
  const { models, comm, tell } = notebook(true);
  await settled();
  expect(comm.open).toHaveBeenCalledTimes(1);
  tell({ kind: "default", model: "ollama/one" });
  expect(models.current).toBe("ollama/one");
});

test("a kernel without it is asked again only after a cell that may have loaded it", async () => {
  const { kernel, context, comm } = notebook(false);
  await settled();
  context.iopubMessage.emit({ header: { msg_type: "execute_input" }, content: { code: "x = 1" } });
  context.statusChanged.emit("idle");
  await settled();
  expect(kernel.requestInspect).toHaveBeenCalledTimes(1);
  kernel.loaded = true;
  const content = { code: "%load_ext ipyllm" };
  context.iopubMessage.emit({ header: { msg_type: "execute_input" }, content });
  context.statusChanged.emit("idle");
  await settled();
  expect(comm.open).toHaveBeenCalledTimes(1);
});

test("after a restart it starts over", async () => {
  const { models, kernel, context, comm, tell } = notebook(true);
  await settled();
  tell({ kind: "default", model: "local" });
  kernel.status = "restarting";
  context.statusChanged.emit("restarting");
  expect(models.current).toBe("");
  kernel.status = "idle";
  context.statusChanged.emit("idle");
  await settled();
  expect(comm.open).toHaveBeenCalledTimes(2);
});

test.each([
  [{}],
  [null],
  ["x"],
  [{ kind: "models", models: [1, null, {}] }],
  [{ kind: "default" }],
])("what it does not know does no harm: %j", async (message) => {
  const { models, tell } = notebook(true);
  await settled();
  tell(message);
  expect(models.all).toEqual([]);
});

async function menu(choose = vi.fn()) {
  const { models, tell, comm } = notebook(true);
  await settled();
  const made = new ModelMenu(models, choose, "Model");
  tell({ kind: "models", models: LISTED, asking: 0 });
  made.paint();
  const names = () =>
    [...made.node.querySelectorAll(".ipyllm-model > span:nth-child(2)")].map(
      (each) => each.textContent,
    );
  const type = (value: string) => {
    const field = made.node.querySelector("input");
    if (!field) throw new Error("no field");
    field.value = value;
    field.dispatchEvent(new Event("input"));
    return (key: string) =>
      field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  };
  return { node: made.node, names, type, choose, comm, tell, made };
}

test("what works stands first", async () => {
  const { names } = await menu();
  expect(names()).toEqual(["local", "ollama/one", "vllm/", "openai/"]);
});

test("typing narrows the list, Enter takes the marked one", async () => {
  const { names, type, choose } = await menu();
  const press = type("oLLa");
  expect(names()).toEqual(["ollama/one"]);
  press("Enter");
  expect(choose).toHaveBeenCalledWith("ollama/one");
});

test("a whole name is taken as it is", async () => {
  const { type, choose } = await menu();
  type("openai/some-model")("Enter");
  expect(choose).toHaveBeenCalledWith("openai/some-model");
});

test("arrows go through the list", async () => {
  const { type, choose } = await menu();
  const press = type("");
  press("ArrowDown");
  press("ArrowDown");
  press("Enter");
  expect(choose).toHaveBeenCalledWith("ollama/one");
});

test("a provider is asked for its models and its name begins the model's", async () => {
  const { node, choose, comm, names } = await menu();
  const row = [...node.querySelectorAll<HTMLElement>(".ipyllm-model")].at(-1);
  row?.click();
  expect(comm.send).toHaveBeenCalledWith({ kind: "ask", provider: "openai" });
  expect(node.querySelector("input")?.value).toBe("openai/");
  expect(names()).toEqual(["openai/"]);
  expect(choose).not.toHaveBeenCalled();
});

test("a refusal is said in the menu", async () => {
  const { node, tell, made } = await menu();
  tell({ kind: "refused", message: "No such provider." });
  made.paint();
  expect(node.querySelector("[role=status]")?.textContent).toBe("No such provider.");
});
