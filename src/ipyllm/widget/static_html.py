"""
What stays in the notebook: one MIME bundle that reads well without a kernel.

JupyterLab, nbconvert and GitHub all prefer `text/html` where there is no widget view;
with one, a notebook opened later says "model not found" instead (measured).
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ipyllm.front_end import is_watched
from ipyllm.run.batch import State, state_of
from ipyllm.run.reply import Reply, ToolCall
from ipyllm.sinks.inline import QUIET, code_block, line, themed
from ipyllm.sinks.numbers import duration, latency
from ipyllm.widget.markdown import BlockRenderer
from ipyllm.widget.messages import violation
from ipyllm.widget.saved_parts import saved_parts
from ipyllm.widget.strip import strip
from ipyllm.widget.timing import panel
from ipyllm.widget.tokens import timed_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ipyllm.events import Usage
__all__ = ("JSON_TYPE", "Static", "bundle", "metadata")

_MAX_GAPS = 4096
_COLOURED = 1000  # tokens; a quarter of the output may be spent on them
JSON_TYPE = "application/vnd.ipyllm.v1+json"

# No class: the live widget's style sheet is still in the page, and would count twice.
_ROOT = (
    f"padding:4px 0;{themed('color', 'inherit', 'content-font-color1')};"
    "font-family:var(--jp-content-font-family,system-ui,sans-serif);"
    f"{themed('font-size', '14px', 'content-font-size1')};line-height:1.6"
)
_FOLD = f"margin:0 0 6px;padding-left:10px;{line('left', 2)};{QUIET};font-size:13px"
_PLAIN_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere"
# As the live view's; text of an answer is escaped, so that this is its only "<pre>".
_PRE = code_block(themed("font-size", "13px", "code-font-size"))
_TURN = f"margin:10px 0 8px;padding-top:4px;{line('top', 1)};{QUIET};font-size:11px"
_REFUSAL = (
    "margin:0 0 6px;padding-left:10px;border-left:2px solid #f57c00;"
    "border-left:2px solid var(--jp-warn-color1,#f57c00)"
)


class Static:
    """Renders while the answer streams, so that its end costs no more than its last block."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, BlockRenderer | list[str]]] = []

    def feed(self, pieces: Iterable[tuple[str, str]]) -> None:
        """More of the transcript."""
        for channel, text in pieces:
            if not self._parts or self._parts[-1][0] != channel:
                rendered = channel in ("text", "refusal")
                self._parts.append((channel, BlockRenderer() if rendered else []))
            match self._parts[-1][1]:
                case BlockRenderer() as renderer:
                    renderer.feed(text)
                case fragments:
                    fragments.append(text)

    def html(self, reply: Reply, state: State, note: str, *, timed: bool) -> str:
        """The whole output; without `timed`, nothing that differs from run to run."""
        body = [piece for part in self._grouped() for piece in _pieces(*part, reply, timed=timed)]
        timing = reply.timing if timed else None
        more = timing_panel(reply) if timed else ""
        context = _context(reply.usage)
        foot = strip(
            reply.label, state, timing, note, ruled=bool(body), panel=more, context=context
        )
        # A paragraph's own margin: the two collapse, and whatever block is last, the strip keeps its place.
        shown = ['<div style="margin:0 0 1em">', *body, "</div>"] if body else []
        # Joined once: each copy of a long answer's HTML is megabytes.
        return "".join((f'<div style="{_ROOT}">', *shown, foot, "</div>"))

    def _grouped(self) -> list[tuple[str, BlockRenderer | list[str]]]:
        """The parts; calls that follow each other as one, `tool`, with their numbers."""
        out: list[tuple[str, BlockRenderer | list[str]]] = []
        for channel, content in self._parts:
            kind, _, number = channel.partition(":")
            if kind != "tool":
                out.append((channel, content))
            elif out and out[-1][0] == "tool" and isinstance(out[-1][1], list):
                if number not in out[-1][1]:  # fragments may come in turns
                    out[-1][1].append(number)
            else:
                out.append(("tool", [number]))
        return out


def _pieces(
    channel: str, content: BlockRenderer | list[str], reply: Reply, *, timed: bool
) -> list[str]:
    match content:
        case BlockRenderer() if channel == "refusal":
            said = f'<div style="{QUIET};font-size:13px">declined</div>'
            return [f'<div style="{_REFUSAL}">{said}', *content.pieces(), "</div>"]
        case BlockRenderer():
            return [
                "<div>",
                *(piece.replace("<pre><code", _PRE) for piece in content.pieces()),
                "</div>",
            ]
        case numbers if channel == "tool":
            return [_cards([reply.tool_calls[int(number)] for number in numbers], timed=timed)]
        case fragments:
            return [_folded(channel, "".join(fragments), reply, timed=timed)]


def _folded(channel: str, text: str, reply: Reply, *, timed: bool) -> str:
    match channel:
        case "value":
            from ipyllm.widget.value import value_html  # 10 ms that most answers do not need

            wrong = reply.violation
            return value_html(text, failed=wrong and (wrong.path, wrong.message))
        case "turn":
            return _turn(text, timed=timed)
        case _:
            thought = _thought(reply) if timed else "thought"
            shown = f'<div style="padding:2px 0 4px;{_PLAIN_TEXT}">{escape(text)}</div>'
            summary = f'<summary style="width:fit-content;cursor:pointer">{thought}</summary>'
            return f'<details style="{_FOLD}">{summary}{shown}</details>'


def _cards(calls: Sequence[ToolCall], *, timed: bool) -> str:
    from ipyllm.widget.calls import Card, cards

    def card(call: ToolCall) -> Card:
        result = call.result
        if result is None:
            return Card(call.name, call.arguments, "arguments")
        seconds = result.seconds if timed else None
        return Card(call.name, call.arguments, result.state, result.text, result.error, seconds)

    return cards([card(call) for call in calls])


def _turn(text: str, *, timed: bool) -> str:
    """A thin line where another request of the same answer begins."""
    number, reason, *ttft = text.split()
    said = "asked again" if reason == "retry" else f"request {number}"
    first = f" \N{MIDDLE DOT} first token {latency(float(ttft[0]))}" if ttft and timed else ""
    return f'<div style="{_TURN}">{said}{first}</div>'


def _context(usage: Usage) -> str:
    if usage.context_used is None or usage.context_window is None:
        return ""
    return f"{usage.context_used:,} of {usage.context_window:,} tokens of context"


def timing_panel(reply: Reply) -> str:
    """The Timing panel of a finished answer; "" where nothing came."""
    timing = reply.timing
    if timing.ttft is None:
        return ""
    # A token may come with its probabilities and a call's name: all the events are too many to make again.
    events = reply._completion.events(3 * _COLOURED)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return panel(timing, timed_tokens(events, timing.gaps, _COLOURED))


def _thought(reply: Reply) -> str:
    timing = reply.timing
    if (
        timing.ttft is None
        or timing.ttfa is None
        or not reply.transcript
        or reply.transcript[0][0] != "reasoning"
    ):
        return "thought"
    return f"thought for {duration(timing.ttfa - timing.ttft)}"


def bundle(
    reply: Reply,
    *,
    static: Static | None = None,
    state: State | None = None,
    note: str = "",
    timed: bool = True,
) -> dict[str, Any]:
    """
    `text/html`, `text/markdown`, `text/plain`, and our JSON for views that can do more.

    * `static`: what was rendered while it streamed, else it is rendered now.
    * `timed`: with times in it; False where outputs are compared (nbval).
    """
    if static is None:
        static = Static()
        static.feed(reply.transcript)
    shown = state or state_of(reply.finish_reason)
    text = str(reply)
    return {
        "text/html": static.html(reply, shown, note, timed=timed),
        "text/markdown": text,
        "text/plain": text or note,
        JSON_TYPE: _json(reply, shown, note, timed=timed),
    }


def metadata(reply: Reply) -> dict[str, Any]:
    """`{"ipyllm": {...}}`: the numbers, for whoever reads the notebook as data."""
    timing = reply.timing
    known = {
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "connect": timing.connect,
        "headers": timing.headers,
        "load": timing.load,
        "ttfr": timing.ttfr,
        "ttft": timing.ttft,
        "ttfa": timing.ttfa,
        "total": timing.total,
        "decode_rate": timing.decode_rate,
        "tokens": timing.tokens,
        "estimated": timing.estimated,
        "input_tokens": reply.usage.input_tokens,
        "context_used": reply.usage.context_used,
        "context_window": reply.usage.context_window,
    }
    return {"ipyllm": {name: _rounded(value) for name, value in known.items() if value is not None}}


def _json(reply: Reply, state: State, note: str, *, timed: bool) -> dict[str, Any]:
    # The answer's text is in the text/markdown beside this.
    out: dict[str, Any] = {
        "version": 1,
        "model": reply.model,
        "state": state,
        "note": note,
        "finish_reason": reply.finish_reason,
    }
    if reply.label != reply.model:
        out["label"] = reply.label
    if reply.violation is not None:
        out["invalid"] = violation(reply.violation)
    if reply.reasoning:
        out["reasoning"] = reply.reasoning
    if reply.tool_calls:
        out["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments, **_result(call, timed)}
            for call in reply.tool_calls
        ]
    if parts := saved_parts(reply.transcript, timed=timed):
        out["parts"] = parts
    if timed:
        out["timing"] = metadata(reply)["ipyllm"]
        out["gaps_ms"] = _gaps(reply.timing.gaps)
    return out


def _result(call: ToolCall, timed: bool) -> dict[str, Any]:  # noqa: FBT001
    if call.result is None:
        return {}
    known = {"state": call.result.state, "result": call.result.text, "error": call.result.error}
    seconds = {"seconds": call.result.seconds} if timed else {}
    return {key: value for key, value in (known | seconds).items() if value}


def _gaps(gaps: Sequence[float]) -> list[int]:
    """Milliseconds; of very many the longest of each stretch, so that an output stays text-sized."""
    if len(gaps) <= _MAX_GAPS:
        return [round(1e3 * gap) for gap in gaps]
    cuts = [len(gaps) * i // _MAX_GAPS for i in range(_MAX_GAPS + 1)]
    return [round(1e3 * max(gaps[a:b])) for a, b in pairwise(cuts)]


def _rounded(value: object) -> object:
    return round(value, 5) if isinstance(value, float) else value


def _shown(reply: Reply) -> dict[str, Any]:
    """A reply that is a cell's last value: without times where nobody looks on, but compares outputs."""
    return bundle(reply, timed=is_watched())


Reply.bundle = _shown
