"""A live view of an answer that is over: `reply.show()`, `%llm show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

from ipyllm.front_end import display_kind, shell
from ipyllm.run.batch import state_of
from ipyllm.run.outcome import note
from ipyllm.widget import messages
from ipyllm.widget.live_panel import of_reply
from ipyllm.widget.model import AnswerModel, asset
from ipyllm.widget.output import VIEW_TYPE, view_of
from ipyllm.widget.static_html import bundle

if TYPE_CHECKING:
    from ipyllm.run.reply import Reply

__all__ = ("show",)


def show(reply: Reply) -> None:
    """
    Open it in this cell's output.

    The static bundle goes with it, for front ends without widgets.
    """
    data = bundle(reply)
    if display_kind(shell()) == "widget":
        data[VIEW_TYPE] = view_of(str(_Shown(reply).model.model_id))
    display(data, raw=True)


class _Shown:
    """Answers what its pages ask. Its widget is never closed: nothing would stand in its place."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._seq = 1
        self.model = AnswerModel(title=reply.label, mode="background", snapshot_now=self._snapshot)
        self.model.on_msg(self._on_message)

    def _snapshot(self, have: int = 0) -> dict[str, Any]:
        reply = self._reply
        return messages.snapshot(
            self._seq,
            have,
            reply.transcript,
            state_of(reply.finish_reason),
            messages.settled_metrics(reply),
            note(reply, "reply"),
            results=[call.result for call in reply.tool_calls if call.result is not None],
        )

    def _on_message(self, model: AnswerModel, content: dict[str, Any], _buffers: object) -> None:
        match content:
            case {"kind": "resync", "have": int(have)} if have >= 0:
                self._seq += 1
                model.send(self._snapshot(have))
            case {"kind": "timing"}:
                model.send(messages.timing(of_reply(self._reply)))
            case {"kind": "asset", "name": str(name)}:
                model.send(messages.asset(name, asset(name)))
            case _:
                pass
