"""What was sent for an answer: every message in order, the last with its values marked and folded."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, cast

from ipyllm.sinks.inline import CODE_FONT, QUIET
from ipyllm.widget.json_text import shown
from ipyllm.widget.prompt import MAX_SHOWN, prompt_html

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipyllm.widget.prompt import Stretch

__all__ = ("sent_details", "sent_html")

_ROLE = f"margin:6px 0 2px;{QUIET};font-size:11px"
_DATA = f"margin:0;{CODE_FONT};font-size:12px;white-space:pre-wrap;overflow-wrap:anywhere"


def sent_html(messages: Sequence[Mapping[str, Any]], references: Sequence[Stretch] = ()) -> str:
    """HTML of a conversation. `references`: places in its last message that came from names."""
    last = len(messages) - 1
    return "".join(
        f'<div style="{_ROLE}">{escape(str(message.get("role", "")))}</div>'
        f"{_content(message, references if index == last else ())}"
        for index, message in enumerate(messages)
    )


def sent_details(messages: Sequence[Mapping[str, Any]], references: Sequence[Stretch] = ()) -> str:
    """The same, folded, for below the Timing panel."""
    count = len(messages)
    title = f"What was sent: {count} message{'' if count == 1 else 's'}"
    summary = f'<summary style="cursor:pointer">{title}</summary>'
    return f'<details style="margin:6px 0 0">{summary}{sent_html(messages, references)}</details>'


def _content(message: Mapping[str, Any], references: Sequence[Stretch]) -> str:
    content = message.get("content")
    match content:
        case str():
            body = prompt_html([{"type": "text", "text": content}], references)
        case list():
            body = prompt_html(map(_part, cast("list[Any]", content)), references)
        case _:
            body = ""
    said = "".join(
        f'<div style="{_DATA}">{shown(key)}: {shown(str(message[key])[:MAX_SHOWN])}</div>'
        for key in message
        if key not in ("role", "content")
    )
    return body + said


def _part(part: Any) -> Mapping[str, Any]:
    match part:
        case {"type": str()}:
            return cast("Mapping[str, Any]", part)
        case _:
            return {"type": "text", "text": f"{part}"}
