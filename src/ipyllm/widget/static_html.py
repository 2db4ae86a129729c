"""
What stays in the notebook: one MIME bundle that reads well without a kernel.

JupyterLab, nbconvert and GitHub all prefer `text/html` where there is no widget view;
with one, a notebook opened later says "model not found" instead (measured).
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ipyllm.run.batch import State, state_of
from ipyllm.run.reply import Reply
from ipyllm.widget.inline import CODE_FONT, QUIET, SHADE, line, themed
from ipyllm.widget.markdown import BlockRenderer
from ipyllm.widget.strip import duration, strip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("JSON_TYPE", "Static", "bundle", "metadata")

_MAX_GAPS = 4096
JSON_TYPE = "application/vnd.ipyllm.v1+json"

# No class: the live widget's style sheet is still in the page, and would count twice.
_ROOT = (
    f"padding:4px 0;{themed('color', 'inherit', 'content-font-color1')};"
    "font-family:var(--jp-content-font-family,system-ui,sans-serif);"
    f"{themed('font-size', '14px', 'content-font-size1')};line-height:1.6"
)
_FOLD = f"margin:0 0 6px;padding-left:10px;{line('left', 2)};{QUIET};font-size:13px"
_PLAIN_TEXT = "white-space:pre-wrap;overflow-wrap:anywhere"
_TOOL = (
    f"margin:6px 0;padding:8px 10px;border-radius:3px;{SHADE};{CODE_FONT};"
    f"{themed('font-size', '13px', 'code-font-size')};line-height:1.5;{_PLAIN_TEXT}"
)


class Static:
    """Renders while the answer streams, so that its end costs no more than its last block."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, BlockRenderer | list[str]]] = []

    def feed(self, pieces: Iterable[tuple[str, str]]) -> None:
        """More of the transcript."""
        for channel, text in pieces:
            shown = "text" if channel == "refusal" else channel
            if not self._parts or self._parts[-1][0] != shown:
                self._parts.append((shown, BlockRenderer() if shown == "text" else []))
            match self._parts[-1][1]:
                case BlockRenderer() as renderer:
                    renderer.feed(text)
                case fragments:
                    fragments.append(text)

    def html(self, reply: Reply, state: State, note: str, *, timed: bool) -> str:
        """The whole output; without `timed`, nothing that differs from run to run."""
        thought = _thought(reply) if timed else "thought"
        body = [piece for part in self._parts for piece in _pieces(*part, thought)]
        foot = strip(reply.label, state, reply.timing if timed else None, note, ruled=bool(body))
        # A paragraph's own margin: the two collapse, and whatever block is last, the strip keeps its place.
        shown = ['<div style="margin:0 0 1em">', *body, "</div>"] if body else []
        # Joined once: each copy of a long answer's HTML is megabytes.
        return "".join((f'<div style="{_ROOT}">', *shown, foot, "</div>"))


def _pieces(channel: str, content: BlockRenderer | list[str], thought: str) -> list[str]:
    match content:
        case BlockRenderer():
            return ["<div>", *content.pieces(), "</div>"]
        case fragments if channel == "reasoning":
            text = (
                f'<div style="padding:2px 0 4px;{_PLAIN_TEXT}">{escape("".join(fragments))}</div>'
            )
            summary = f'<summary style="width:fit-content;cursor:pointer">{thought}</summary>'
            return [f'<details style="{_FOLD}">{summary}{text}</details>']
        case fragments:
            return [f'<div style="{_TOOL}">{escape("".join(fragments).rstrip())}</div>']


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
    if reply.reasoning:
        out["reasoning"] = reply.reasoning
    if reply.tool_calls:
        out["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for call in reply.tool_calls
        ]
    if timed:
        out["timing"] = metadata(reply)["ipyllm"]
        out["gaps_ms"] = _gaps(reply.timing.gaps)
    return out


def _gaps(gaps: Sequence[float]) -> list[int]:
    """Milliseconds; of very many the longest of each stretch, so that an output stays text-sized."""
    if len(gaps) <= _MAX_GAPS:
        return [round(1e3 * gap) for gap in gaps]
    cuts = [len(gaps) * i // _MAX_GAPS for i in range(_MAX_GAPS + 1)]
    return [round(1e3 * max(gaps[a:b])) for a, b in pairwise(cuts)]


def _rounded(value: object) -> object:
    return round(value, 5) if isinstance(value, float) else value


Reply.bundle = bundle
