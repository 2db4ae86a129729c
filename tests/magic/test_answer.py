"""An answer that streams while other cells run."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from ipyllm.magic import answer
from ipyllm.request import Request
from ipyllm.run.reply import Reply
from ipyllm.run.sink import NullSink
from ipyllm.run.source import source_for
from ipyllm.transport.limits import Limits


def test_it_streams_no_more_once_its_view_says_done(mock, monkeypatch):
    """Who reads that may ask the thread's next turn, and is not refused."""
    mock.tokens(1)
    told = threading.Event()
    streaming: list[object] = []

    class View(NullSink):
        def settle(self, reply: Reply, note: str) -> None:
            del reply, note
            streaming.extend(answer.in_background())
            told.set()

    monkeypatch.setattr(answer, "sink_for", lambda *_, **__: View())
    request = Request("", ({"role": "user", "content": "Hi"},))
    source = source_for("vllm/m", request, Limits(), base_url=mock.base_url)
    names: dict[str, object] = {}
    shell = SimpleNamespace(user_ns=names)
    answer.Answer(shell, source, request).show_in_background()
    assert told.wait(10)
    assert streaming == []
    assert names["_llm"] == "t0 "
