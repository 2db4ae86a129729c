"""
A front end that has next to nothing: a frame of another origin, and of a widget's model what is documented.

Its frame is sandboxed: no parent, no cookies, no storage, no clipboard. No Jupyter is in it. What the
kernel sends is handed over by the test, so that it can be late, or lost; and nobody answers unless
the test does.
"""

from __future__ import annotations

import html
from typing import Any

import comm
from comm.base_comm import BaseComm
from playwright.sync_api import Frame, Page

from ipyllm.run.batch import Batch
from ipyllm.run.pump import Run
from ipyllm.run.sink import NullSink
from ipyllm.testing import ScriptedSource
from ipyllm.widget import model
from ipyllm.widget.returned import Returned
from ipyllm.widget.sink import WidgetSink

__all__ = ("BareFrontEnd", "Kernel")

# anywidget's side of a front end, as its own documentation has it.
HOST = """async ({ traits, libraries, shadow }) => {
  const listeners = new Set();
  window.sent = [];
  window.receive = content => { for (const listener of [...listeners]) listener(content); };
  const model = {
    get: name => traits[name],
    set() {},
    save_changes() {},
    send: content => void window.sent.push(content),
    on: (name, listener) => void (name === "msg:custom" && listeners.add(listener)),
    off: (name, listener) => void listeners.delete(listener),
  };
  if (libraries) {
    const get_model = async id => ({ get: name => libraries[id]?.[name] });
    model.widget_manager = { get_model };
  }
  const url = URL.createObjectURL(new Blob([traits._esm], { type: "text/javascript" }));
  const widget = await (await import(url)).default();
  await widget.initialize({ model });
  const place = document.body.appendChild(document.createElement("div"));
  const el = document.createElement("div");
  (shadow ? place.attachShadow({ mode: "open" }) : place).append(el);
  window.dispose = await widget.render({ model, el });
}"""
# What it has to do without; each is tried, for a frame that had one would prove nothing.
LACKS = """() => {
  const tried = {
    parent: () => parent.document,
    cookies: () => document.cookie,
    storage: () => localStorage,
    jupyter: () => { if (!("_JUPYTERLAB" in window || "Jupyter" in window)) throw new Error(); },
  };
  return Object.keys(tried).filter(name => { try { tried[name](); } catch { return true; } });
}"""


class Wire(BaseComm):
    """A comm with nobody at its other end."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        sent.append((self.comm_id, msg_type, data or {}))


sent: list[tuple[str, str, dict[str, Any]]] = []


class Kernel:
    """An answer under way, and what goes to the page."""

    def __init__(self, monkeypatch, *, mode: str) -> None:
        sent.clear()
        monkeypatch.setattr(comm, "create_comm", Wire)
        monkeypatch.setattr(model, "_shared", model._Shared())
        self.run = Run(ScriptedSource(), NullSink())
        place = Returned()
        self._sink = WidgetSink(place, background=mode == "background")
        self._sink.open(self.run)
        assert place.model is not None
        self.model = place.model
        self._handed = 0

    def say(self, *events: Any, text: str) -> None:
        """More of the answer."""
        with self.run.lock:
            for event in events:
                self.run.completion.add(event)
        tokens = len(self.run.completion.events())
        self._sink.emit(Batch((("text", text),), tokens, 100 * tokens, "streaming"))

    def hear(self, content: Any) -> None:
        """A message of the page's arrives."""
        data = {"method": "custom", "content": content}
        self.model.comm.handle_msg({"content": {"data": data}, "buffers": []})

    def messages(self) -> list[Any]:
        """What was sent since this was asked last."""
        fresh, self._handed = sent[self._handed :], len(sent)
        return [
            data["content"]
            for ident, _, data in fresh
            if ident == self.model.comm.comm_id and data.get("method") == "custom"
        ]

    def libraries(self) -> dict[str, Any]:
        """Every other model this kernel has opened."""
        opened = [(ident, data) for ident, kind, data in sent if kind == "comm_open"]
        return {ident: data["state"] for ident, data in opened}


class BareFrontEnd:
    """A frame in a page; `frame` is it."""

    def __init__(self, page: Page) -> None:
        inside = html.escape("<main></main>")
        page.set_content(f'<iframe sandbox="allow-scripts" srcdoc="{inside}"></iframe>')
        frame = page.wait_for_selector("iframe").content_frame()
        assert frame is not None
        frame.wait_for_selector("main", state="attached")  # until then it is an empty one
        self.frame: Frame = frame
        assert self.frame.evaluate(LACKS) == ["parent", "cookies", "storage", "jupyter"]

    def show(self, kernel: Kernel, *, manager: bool, shadow: bool = False) -> None:
        """Show its answer; without a widget manager the whole module comes with the model."""
        state = {**kernel.model.get_state()}
        traits = {name: value for name, value in state.items() if is_plain(value)}
        if not manager:
            traits |= {"_esm": model.built("widget.js"), "_library": ""}
        libraries = kernel.libraries() if manager else None
        told = {"traits": traits, "libraries": libraries, "shadow": shadow}
        self.frame.evaluate(HOST, told)

    def receive(self, *messages: Any) -> None:
        """Hand over what the kernel sent."""
        for content in messages:
            self.frame.evaluate("content => receive(content)", content)

    def said(self) -> list[Any]:
        """What the page has sent since this was asked last."""
        return self.frame.evaluate("sent.splice(0)")


def is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool | dict | list | None)
