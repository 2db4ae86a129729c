"""marimo shows what `_display_` gives, and its widgets come with their whole module."""

from __future__ import annotations

import sys
from types import ModuleType

import comm
import pytest
from comm.base_comm import BaseComm

import ipyllm
from ipyllm.widget import model


class Wire(BaseComm):
    """A comm with nobody at its other end."""

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        pass


@pytest.fixture
def _marimo(monkeypatch):
    """Give what of marimo is documented and asked: whether a notebook of its runs."""
    marimo = ModuleType("marimo")
    monkeypatch.setattr(marimo, "running_in_notebook", lambda: True, raising=False)
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    monkeypatch.setattr(model, "_shared", model._Shared())
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.mark.usefixtures("_marimo")
def test_a_stream_is_shown_by_a_widget_that_needs_no_other():
    """The library would be closed with the cell that made it first."""
    stream = ipyllm.stream("Hi", model=endless)
    shown = stream._display_()
    assert isinstance(shown, model.AnswerModel)
    assert shown._esm == model.built("widget.js")
    assert shown._library == ""
    assert shown.mode == "background"
    stream.cancel()
    assert stream.reply.finish_reason == "interrupted"
    assert shown.get_state()["snapshot"]["state"] == "interrupted"
    assert shown.comm is not None  # nothing static takes its place there
    shown.close()


@pytest.mark.usefixtures("_marimo")
def test_a_stream_that_is_over_is_shown_as_its_reply():
    """Which has Markdown and HTML of its own."""
    stream = ipyllm.stream("Hi", model=lambda: iter(["It is ", "**so**."]))
    reply = stream.reply
    assert stream._display_() is reply


def endless():
    while True:
        yield "word "
