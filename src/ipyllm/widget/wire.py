"""
What was on the wire, as HTML that needs no script: what was asked, each read, the events it made.

All of it came from outside: everything is escaped, and line ends and control characters are shown
as marks. Tables and inline styles only, as in the Timing panel: sanitisers leave the words.
"""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, cast

from ipyllm.events import Finish, Notice, TextDelta, Usage
from ipyllm.sinks.inline import CODE_FONT, QUIET, SHADE, line, themed
from ipyllm.widget.moments import moments
from ipyllm.widget.wire_pieces import format_of, pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipyllm.events import Event
    from ipyllm.transport.cassette.form import Recording
    from ipyllm.widget.wire_pieces import Piece

__all__ = ("wire_html",)

_OPEN = 24  # pieces shown outright
_MOST = 600  # pieces shown at all
_LONG = 1500  # characters of one piece
_ASKED = 20_000  # characters of a request
_SAID = 160  # characters of an event

_INK = themed("color", "inherit", "content-font-color1")
_ROOT = (
    f"padding:4px 0;{_INK};font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px"
)
_TABLE = (
    "width:100%;margin:4px 0 0;border:0;border-collapse:collapse;font-size:12px;table-layout:auto"
)
_ROW = f'style="background-color:transparent;{line("top", 1)}"'
_CELL = "padding:2px 12px 2px 0;border:0;vertical-align:top"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;{QUIET}"
_TEXT = f"{_CELL};text-align:left;{CODE_FONT};white-space:pre-wrap;overflow-wrap:anywhere"
_PRE = (
    f"margin:4px 0;padding:6px 8px;border-radius:3px;max-height:20em;overflow:auto;{SHADE};"
    f"{CODE_FONT};font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere"
)
_FOLD = "margin:4px 0 0"
_SUMMARY = "cursor:pointer"
_MARK = f'<span style="{QUIET}">'
_HEADS = ("at", "after", "bytes", "on the wire", "events")


def wire_html(
    recordings: Sequence[Recording], *, left_out: Sequence[int] = (), missed: int = 0
) -> str:
    """
    HTML of these responses, one below the other.

    * `left_out`: characters of each that were not kept. `missed`: responses of which nothing was.
    """
    parts = [
        _response(one, left_out[at] if at < len(left_out) else 0)
        for at, one in enumerate(recordings)
    ]
    if missed:
        parts.append(_quiet(f"{missed:,} more responses were not kept."))
    return f'<div style="{_ROOT}">{"".join(parts) or _quiet("Nothing was on the wire.")}</div>'


def _response(recording: Recording, left_out: int) -> str:
    header = recording.header
    framing = format_of(header)
    found = pieces(str(header.get("api", "")), framing, recording.chunks)
    size, reads = sum(len(chunk) for _, chunk in recording.chunks), len(recording.chunks)
    came = f"{reads:,} reads, {size:,} bytes of {framing}, decoded as {header.get('api', '')}"
    rest = f"{left_out:,} characters more were not kept." if left_out else ""
    return "".join(
        (
            f'<div style="margin:0 0 1em"><div><b>{_title(header)}</b> {_status(header)}</div>',
            _quiet(came),
            _fold("the request", _pre(_json(header.get("request"), _ASKED))),
            _fold("response headers", _pre(_headers(header)))
            if isinstance(header.get("headers"), dict)
            else "",
            _table(found, recording.ended or 0.0),
            _quiet(rest) if rest else "",
            _quiet(_end(recording)),
            moments(found),
            "</div>",
        )
    )


def _title(header: Mapping[str, Any]) -> str:
    url = str(header.get("url", ""))
    verb = "open" if url.startswith("ws") else "POST"
    return escape(f"{verb} {url}")


def _status(header: Mapping[str, Any]) -> str:
    status, ms = header.get("status"), header.get("ms")
    after = f" after {_ms(ms)}" if isinstance(ms, (int, float)) else ""
    return escape(f"{status}{after}") if status is not None else "no response"


def _headers(header: Mapping[str, Any]) -> str:
    headers = cast("dict[str, str]", header["headers"])
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _end(recording: Recording) -> str:
    at = _ms(recording.ended or 0.0)
    if recording.stopped:
        return f"{at}: stopped by whoever asked"
    return f"{at}: {recording.error or 'the response ended'}"


# the reads ------------------------------------------------------------------------


def _table(found: Sequence[Piece], ended: float) -> str:
    shown = found[:_MOST]
    rows = [
        _row(piece, before, ended) for piece, before in zip(shown, (None, *shown), strict=False)
    ]
    out = _rows(rows[:_OPEN])
    if len(rows) > _OPEN:
        out += _fold(f"{len(rows) - _OPEN:,} more", _rows(rows[_OPEN:]))
    if len(found) > len(shown):
        rest = sum(len(piece.data) for piece in found[_MOST:])
        out += _quiet(f"{len(found) - _MOST:,} more frames, {rest:,} bytes, are not shown.")
    return out


def _rows(rows: Sequence[str]) -> str:
    if not rows:
        return ""
    aligned = zip(_HEADS, ("right",) * 3 + ("left",) * 2, strict=True)
    heads = "".join(
        f'<th style="{_CELL};text-align:{side};font-weight:600;{QUIET}">{head}</th>'
        for head, side in aligned
    )
    return (
        f'<table style="{_TABLE}"><thead><tr style="background-color:transparent">{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(piece: Piece, before: Piece | None, ended: float) -> str:
    at = after = ""
    if piece.first:  # what came in the same read has the same time
        at = _ms(piece.ms) + _place(piece.ms, ended)
        after = "" if before is None else _ms(piece.ms - before.ms)
    unfinished = "" if piece.whole else f"{_MARK}\N{HORIZONTAL ELLIPSIS}</span>"
    made = "\n".join(escape(_event(event)) for event in piece.events)
    return (
        f'<tr {_ROW}><td style="{_NUMBER}">{at}</td><td style="{_NUMBER}">{after}</td>'
        f'<td style="{_NUMBER}">{len(piece.data):,}</td>'
        f'<td style="{_TEXT}">{_raw(piece.data)}{unfinished}</td>'
        f'<td style="{_TEXT};min-width:14em">{made}</td></tr>'
    )


def _place(ms: float, ended: float) -> str:
    """Where in the whole of the response it came, as a mark on a line."""
    share = min(100 * ms / ended, 100.0) if ended else 0.0
    ground = themed("background-color", "#1976d2", "brand-color1")
    return (
        f'<div style="width:80px;{line("top", 1)}">'
        f'<div style="margin-left:{0.77 * share:.1f}px;width:3px;height:5px;{ground}"></div></div>'
    )


def _raw(data: bytes) -> str:
    """Its text with every line end marked; what is no text as its bytes."""
    text = data.decode("utf-8", "backslashreplace")
    more = f"{_MARK} \N{HORIZONTAL ELLIPSIS} {len(text) - _LONG:,} more</span>"
    shown = escape("".join(map(_visible, text[:_LONG])))
    shown = shown.replace("\r", f"{_MARK}\N{SYMBOL FOR CARRIAGE RETURN}</span>")
    mark = f"{_MARK}\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}</span>\n"
    return shown.replace("\n", mark).rstrip("\n") + (more if len(text) > _LONG else "")


def _visible(letter: str) -> str:
    if letter < " " and letter not in "\n\r\t":
        return chr(0x2400 + ord(letter))
    return letter


def _event(event: Event) -> str:
    match event:
        case TextDelta(text):
            said = f"TextDelta {text!r}"
        case Notice(kind, text):
            said = f"Notice {kind} {text!r}"
        case Finish(reason, raw):
            said = f"Finish {reason}" + (f" ({raw})" if raw else "")
        case Usage():
            said = f"Usage in {event.input_tokens}, out {event.output_tokens}"
        case _:
            said = repr(event)
    said = said.encode("utf-8", "backslashreplace").decode()
    return said if len(said) <= _SAID else said[:_SAID] + "\N{HORIZONTAL ELLIPSIS}"


# pieces of HTML -------------------------------------------------------------------


def _ms(ms: float) -> str:
    return f"{ms:,.1f} ms" if ms < 1e4 else f"{ms / 1e3:,.2f} s"


def _json(value: object, limit: int) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= limit else f"{text[:limit]}\n... {len(text) - limit:,} more"


def _pre(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return f'<pre style="{_PRE}">{escape("".join(map(_visible, text)))}</pre>'


def _fold(summary: str, content: str) -> str:
    return f'<details style="{_FOLD}"><summary style="{_SUMMARY}">{summary}</summary>{content}</details>'


def _quiet(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return f'<div style="{QUIET};font-size:12px;margin:4px 0 0">{escape(text)}</div>'
