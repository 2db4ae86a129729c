import { afterEach, expect, test, vi } from "vitest";
import { interruptKernel } from "../src/interrupt.ts";
import { FakeModel } from "./kernel.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

function server(ok = true) {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => ({ ok, status: ok ? 204 : 403 }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

test("the widget manager's kernel is asked first", async () => {
  const [fetch, interrupt] = [server(), vi.fn(async () => {})];
  await interruptKernel(new FakeModel({}, { kernel: { id: "k", interrupt } }));
  expect(interrupt).toHaveBeenCalledTimes(1);
  expect(fetch).not.toHaveBeenCalled();
});

test("if it refuses, the server is asked, with the page's base URL and token", async () => {
  const fetch = server();
  const config = document.createElement("script");
  config.id = "jupyter-config-data";
  config.type = "application/json";
  config.textContent = JSON.stringify({ baseUrl: "/user/ada/" });
  document.body.append(config);
  vi.spyOn(document, "cookie", "get").mockReturnValue("a=b; _xsrf=2%7Cabc");
  const interrupt = vi.fn(async () => Promise.reject(new Error("no")));
  await interruptKernel(new FakeModel({}, { kernel: { id: "k 1", interrupt } }));
  expect(fetch.mock.calls[0]?.[0]).toBe("/user/ada/api/kernels/k%201/interrupt");
  expect(fetch.mock.calls[0]?.[1]).toMatchObject({
    method: "POST",
    headers: { "X-XSRFToken": "2|abc" },
  });
});

test("without a page config the kernel's own server is asked", async () => {
  const fetch = server();
  const kernel = { id: "k", serverSettings: { baseUrl: "http://localhost:8888/x" } };
  await interruptKernel(new FakeModel({}, { kernel }));
  expect(fetch.mock.calls[0]?.[0]).toBe("http://localhost:8888/x/api/kernels/k/interrupt");
});

test("a server that refuses is told about", async () => {
  server(false);
  const model = new FakeModel({}, { kernel: { id: "k" } });
  await expect(interruptKernel(model)).rejects.toThrow("the server refused the interrupt (403)");
});

test("without a kernel the user is told where to go", async () => {
  await expect(interruptKernel(new FakeModel())).rejects.toThrow("by its own menu");
});
