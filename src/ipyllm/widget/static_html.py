"""
What stays in the notebook: one MIME bundle that reads well without a kernel.

JupyterLab, nbconvert and GitHub all prefer `text/html` where there is no widget view;
with one, a notebook opened later says "model not found" instead (measured).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ipyllm.run.batch import State, state_of
from ipyllm.run.reply import Reply
from ipyllm.widget.markdown import BlockRenderer
from ipyllm.widget.strip import phases, strip

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("JSON_TYPE", "Static", "bundle", "metadata")

JSON_TYPE = "application/vnd.ipyllm.v1+json"

_ROOT = (
    "padding:4px 0;color:var(--jp-content-font-color1,inherit);"
    "font-family:var(--jp-content-font-family,system-ui,sans-serif);font-size:14px;line-height:1.6"
)
_FOLD = (
    "margin:0 0 6px;padding-left:10px;border-left:2px solid var(--jp-border-color2,rgba(128,128,128,.3));"
    "color:var(--jp-ui-font-color2,#757575);font-size:13px"
)
_TOOL = (
    "margin:6px 0;padding:8px 10px;border-radius:3px;background:var(--jp-layout-color2,rgba(128,128,128,.12));"
    "font-family:var(--jp-code-font-family,ui-monospace,Menlo,monospace);font-size:13px;line-height:1.5;"
    "white-space:pre-wrap;overflow-wrap:anywhere"
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
        body = "".join(_part(channel, content) for channel, content in self._parts)
        foot = strip(reply.model, state, reply.timing if timed else None, note, ruled=bool(body))
        details = phases(reply.timing) if timed and reply.timing.ttft is not None else ""
        return f'<div class="ipyllm" style="{_ROOT}">{body}{foot}{details}</div>'


def _part(channel: str, content: BlockRenderer | list[str]) -> str:
    match content:
        case BlockRenderer():
            return f"<div>{content.html()}</div>"
        case fragments if channel == "reasoning":
            text = f'<div style="white-space:pre-wrap;padding:2px 0 4px">{escape("".join(fragments))}</div>'
            return f'<details style="{_FOLD}"><summary style="cursor:pointer">thought</summary>{text}</details>'
        case fragments:
            return f'<div style="{_TOOL}">{escape("".join(fragments).rstrip())}</div>'


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
    return {
        "text/html": static.html(reply, shown, note, timed=timed),
        "text/markdown": str(reply),
        "text/plain": str(reply) or note,
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
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.tool_calls
        ]
    if timed:
        out["timing"] = metadata(reply)["ipyllm"]
        # Milliseconds: three characters a token.
        out["gaps_ms"] = [round(1e3 * gap) for gap in reply.timing.gaps]
    return out


def _rounded(value: object) -> object:
    return round(value, 5) if isinstance(value, float) else value


Reply.bundle = bundle
