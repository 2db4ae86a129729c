"""One answer in one cell's output, message by message; the comm under it is a recorder."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from ipyllm.events import Finish, Notice, Progress, ReasoningDelta, TextDelta
from ipyllm.run.batch import Batch
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.testing import ScriptedSource
from ipyllm.widget import model, output
from ipyllm.widget.sink import WidgetSink

LIMIT = 30.0  # seconds any wait of a test may take before it fails


class Wire(BaseComm):
    """What would go to the page."""

    sent: list[tuple[Wire, str, dict[str, Any]]]  # set by the fixture

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self.sent.append((self, msg_type, data or {}))


class Display:
    """IPython's display handle: keeps every bundle the output had."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def __call__(self, data, **_options) -> Display:
        self.shown.append(data)
        return self

    def update(self, data, **_options) -> None:
        self.shown.append(data)


class Page:
    """The cell's output and what the page behind it got."""

    def __init__(self, display: Display) -> None:
        self.display = display

    def messages(self) -> list[dict[str, Any]]:
        return [data["content"] for _, kind, data in Wire.sent if data.get("method") == "custom"]

    def model(self) -> Wire:
        view = self.display.shown[0]["application/vnd.jupyter.widget-view+json"]
        return next(wire for wire, *_ in Wire.sent if wire.comm_id == view["model_id"])

    def say(self, content: dict[str, Any]) -> None:
        """Send a message of the page's."""
        data = {"method": "custom", "content": content}
        self.model().handle_msg({"content": {"data": data}, "buffers": []})


@pytest.fixture
def page(monkeypatch, tmp_path) -> Iterator[Page]:
    monkeypatch.setattr(Wire, "sent", [], raising=False)
    monkeypatch.setattr(comm, "create_comm", Wire)
    monkeypatch.setattr(model, "_shared", model._Shared())
    monkeypatch.setattr(model, "_STATIC", tmp_path)
    for name in ("widget.js", "loader.js"):
        (tmp_path / name).write_text("export default {}")
    display = Display()
    monkeypatch.setattr(output, "display", display)
    monkeypatch.setattr(output, "_finished", [])
    yield Page(display)
    for finished in output._finished:
        finished.close()


def shown(view: WidgetSink, *steps: Any) -> tuple[Run, Reply]:
    run = Run(ScriptedSource(*steps), view)
    run.start()
    reply = run.pump()
    run.settle(reply, "a note")
    return run, reply


def test_messages_are_numbered_without_a_gap(page):
    """The page finds a lost message by its number."""
    shown(WidgetSink(), [TextDelta("a")], [ReasoningDelta("b")], [Progress(1, 2)], [Finish("stop")])
    numbers = [message["seq"] for message in page.messages()]
    assert numbers == list(range(1, len(numbers) + 1))
    json.dumps(page.messages())


def test_offsets_count_what_was_sent(page):
    """Each delta says where it belongs, in the page's own units."""
    gates = [threading.Event() for _ in range(2)]
    view = WidgetSink()
    run = Run(
        ScriptedSource(
            [ReasoningDelta("h🙂")],
            gates[0],
            [TextDelta("a")],
            gates[1],
            [TextDelta("b"), Finish("stop")],
        ),
        view,
    )
    run.tee = lambda _events: gates[0].set() if run.completion.text == "" else gates[1].set()
    run.start()
    run.settle(run.pump(), "")
    deltas = [message for message in page.messages() if "at" in message]
    at = 0
    for message in deltas:
        assert message["at"] == at
        text = message.get("text", "") + message.get("reasoning", "")
        at += len(text.encode("utf-16-le")) // 2
    assert at == 5


def test_the_output_becomes_static(page):
    """A live view first, at the end a bundle without any widget in it."""
    _, reply = shown(WidgetSink(), [TextDelta("**a**"), Finish("stop")])
    live, static = page.display.shown
    assert live["text/plain"] == "(streaming from scripted/model)"
    assert "application/vnd.jupyter.widget-view+json" in live
    assert "application/vnd.jupyter.widget-view+json" not in static
    assert static["text/markdown"] == reply == "**a**"
    assert "<strong>a</strong>" in static["text/html"]
    assert page.messages()[-1]["state"] == "done"
    assert page.messages()[-1]["note"] == "a note"


def test_stop_is_answered_and_ends_the_run(page):
    """The acknowledgement comes first; pressed twice, it stops once."""
    view = WidgetSink()
    run = Run(ScriptedSource([TextDelta("a")], threading.Event()), view)
    run.start()
    stopping = threading.Thread(target=lambda: [page.say({"kind": "stop"}) for _ in range(2)])
    run.tee = lambda _events: None if stopping.ident else stopping.start()
    reply = run.pump()
    stopping.join(LIMIT)
    run.settle(reply, "")
    assert (reply, reply.finish_reason) == ("a", "interrupted")
    assert view.stopped
    kinds = [message.get("kind") for message in page.messages()]
    assert kinds.count("ack") == 2
    states = [message["state"] for message in page.messages() if message.get("kind") == "status"]
    assert states[-1] == "stopped"
    assert states.count("stopping") == 1


def test_stop_after_the_end_is_only_answered(page):
    """A press that came too late changes nothing."""
    view = WidgetSink()
    shown(view, [TextDelta("a"), Finish("stop")])
    page.say({"kind": "stop"})
    assert not view.stopped
    assert page.messages()[-1] == {"kind": "ack"}


def test_a_page_that_lost_something_gets_the_rest(page):
    """A resync is answered with all from its offset on."""
    view = WidgetSink()
    shown(view, [ReasoningDelta("hm"), TextDelta("Hello"), Finish("stop")])
    page.say({"kind": "resync", "have": 4})
    snapshot = page.messages()[-1]
    assert (snapshot["kind"], snapshot["at"], snapshot["state"]) == ("snapshot", 4, "done")
    assert snapshot["parts"] == [["text", "llo"]]
    assert snapshot["seq"] == page.messages()[-2]["seq"] + 1


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"kind": "x"},
        {"kind": "resync"},
        *({"kind": "resync", "have": have} for have in (-1, "1")),
    ],
    ids=str,
)
def test_other_messages_are_ignored(page, content):
    """A page of another version breaks nothing."""
    shown(WidgetSink(), [TextDelta("a"), Finish("stop")])
    before = len(page.messages())
    page.say(content)
    assert len(page.messages()) == before


def test_the_timing_panel_is_made_when_asked_for(page):
    """With the time of every token; the deltas have none."""
    shown(WidgetSink(), [TextDelta("a")], [TextDelta("b"), Finish("stop")])
    page.say({"kind": "timing"})
    answer = page.messages()[-1]
    assert answer["kind"] == "timing"
    assert "seq" not in answer
    assert '<span title="first token">a</span>' in answer["html"]


def test_a_page_gets_the_modules_we_have_and_no_other_file(page, tmp_path):
    """Names are a fixed list: a page cannot read files."""
    (tmp_path / "highlight.js").write_text("export default 1")
    shown(WidgetSink(), [TextDelta("a"), Finish("stop")])
    codes: list[str] = []
    for name in ("highlight", "widget", "../model", "x"):
        page.say({"kind": "asset", "name": name})
        codes.append(page.messages()[-1]["code"])
    assert codes == ["export default 1", "", "", ""]


def test_a_module_that_is_not_built_is_empty(page):
    """Code stays plain then."""
    shown(WidgetSink(), [TextDelta("a"), Finish("stop")])
    page.say({"kind": "asset", "name": "highlight"})
    assert page.messages()[-1] == {"kind": "asset", "name": "highlight", "code": ""}


def test_an_interrupted_answer_says_so_shortly(page):
    """By whom, and where the text is, the exception under it says."""
    view = WidgetSink()
    run = Run(ScriptedSource([TextDelta("a"), TextDelta("b")], threading.Event()), view)
    run.tee = lambda _events: run.cancel()
    run.start()
    run.settle(run.pump(), "interrupted by you after ~2 tokens; the text is in `answer`")
    assert page.messages()[-1]["note"] == "interrupted after ~2 tokens"
    assert "the text is in" not in page.display.shown[-1]["text/html"]


def test_a_retry_is_told_while_it_waits(page):
    """In the place of the state's word, and gone once the answer comes."""
    view = WidgetSink()
    run = Run(ScriptedSource([TextDelta("a"), Finish("stop")]), view)
    view.open(run)
    said = "overloaded; trying again in 2.0 s (1 of 3)"
    view.emit(Batch(state="waiting", notice=said))
    assert page.messages()[-1]["note"] == said
    view.emit(Batch(progress=Progress(1, 2)))
    assert view._snapshot()["note"] == said
    view.emit(Batch((("text", "a"),), 1, 5, "streaming"))
    assert page.messages()[-1]["note"] == ""


def test_a_page_that_opens_late_gets_the_text_so_far(page):
    """The model's state is made when it is asked for."""
    view = WidgetSink()
    shown(view, [TextDelta("Hello"), Finish("stop")])
    assert view._model is not None
    state = view._model.get_state()
    assert state["snapshot"]["parts"] == [["text", "Hello"]]
    assert view._model.asked_again


def test_a_background_answer_says_so(page):
    """Its Stop button must never interrupt the kernel."""
    shown(WidgetSink(background=True), [Finish("stop")])
    assert page.model() is not None
    states = [data["state"] for _, kind, data in Wire.sent if kind == "comm_open"]
    assert "background" in [state.get("mode") for state in states]


def test_finished_widgets_are_closed_some_answers_later(page, monkeypatch):
    """No model outlives its answer for ever; one that a page asked for again lives longer."""
    monkeypatch.setattr(output, "_KEPT", 1)
    views = [WidgetSink() for _ in range(4)]
    for number, view in enumerate(views):
        shown(view, [Notice("phase", "waiting")], [Finish("stop")])
        if number == 0:
            assert view._model is not None
            view._model.get_state()
    alive = [view._model is not None and view._model.comm is not None for view in views]
    assert alive == [True, False, True, True]
