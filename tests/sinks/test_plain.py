"""One display at the end, for notebooks that are executed without a page."""

from __future__ import annotations

from ipyllm.decoding import fold
from ipyllm.events import TextDelta
from ipyllm.run.batch import Batch
from ipyllm.run.pump import Run
from ipyllm.sinks import plain
from ipyllm.sinks.plain import PlainSink
from ipyllm.testing import ScriptedSource


def test_nothing_is_shown_before_the_end(monkeypatch):
    """nbval compares outputs one by one: there is exactly one, with data and metadata."""
    shown = []
    monkeypatch.setattr(plain, "display", lambda *args, **kwargs: shown.append((args, kwargs)))
    sink = PlainSink(lambda reply, note: ({"text/plain": f"{reply} {note}"}, {"x": 1}))
    sink.open(Run(ScriptedSource(), sink))
    sink.emit(Batch((("text", "Hi"),)))
    assert shown == []
    sink.settle(fold([TextDelta("Hi")]), "note")
    assert shown == [(({"text/plain": "Hi note"},), {"raw": True, "metadata": {"x": 1}})]
