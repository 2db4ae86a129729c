"""
Messages and tools in the shape of OpenAI's chat, taken apart for the APIs that have another.

https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.wire.fields import dicts, dig, text

__all__ = (
    "Call",
    "Media",
    "arguments",
    "calls",
    "function",
    "media",
    "names",
    "object_of",
    "parts",
    "strange",
    "words",
)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call the model made: its arguments as an object, `raw` as it is in the message."""

    id: str
    name: str
    arguments: dict[str, Any]
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound or a file: `base64` of type `mime`, or the `url` where it lies."""

    mime: str = ""
    base64: str = ""
    url: str = ""
    name: str = ""


def parts(content: Any) -> list[dict[str, Any]]:
    """
    What a message consists of: a string is one text part, nothing is none.

    Raises:
        UsageError: it is neither text nor a list of parts.
    """
    if content is None or content == "":
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        items = [
            {"type": "text", "text": item} if isinstance(item, str) else item
            for item in cast("list[Any]", content)
        ]
        if all(isinstance(item, Mapping) for item in items):
            return [dict(item) for item in items]
    raise UsageError(f"The content of a message is {_short(content)}, not text or a list of parts.")


def words(content: Any, api: str) -> str:
    """
    A content that has to be text.

    Raises:
        UsageError: it has a part that is none.
    """
    found = parts(content)
    for part in found:
        if part.get("type") != "text":
            raise strange(part, api)
    return "\n".join(text(part.get("text")) for part in found)


def media(part: Mapping[str, Any]) -> Media | None:
    """The picture, sound or file a part has in the shape of OpenAI's chat; None: it is none."""
    found = part.get(text(part.get("type")))
    match part.get("type"):
        case "image_url":
            return _media(found if isinstance(found, str) else text(dig(found, "url")))
        case "input_audio":
            kind = text(dig(found, "format")) or "wav"
            return Media(f"audio/{kind}", text(dig(found, "data")))
        case "file" if isinstance(dig(found, "file_data"), str):
            return _media(dig(found, "file_data"), text(dig(found, "filename")))
        case _:
            return None


def calls(message: Mapping[str, Any]) -> list[Call]:
    """
    The tool calls of an assistant's message.

    Raises:
        UsageError: arguments that are no JSON object.
    """
    out: list[Call] = []
    for raw in dicts(message.get("tool_calls")):
        name = text(dig(raw, "function", "name"))
        given = object_of(dig(raw, "function", "arguments"))
        if given is None:
            said = _short(dig(raw, "function", "arguments"))
            raise UsageError(f"The arguments of the call of {name!r} are no JSON object: {said}.")
        out.append(Call(text(raw.get("id")), name, given, raw))
    return out


def names(messages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Id of each tool call -> the function it called."""
    return {
        text(call.get("id")): text(dig(call, "function", "name"))
        for message in messages
        for call in dicts(message.get("tool_calls"))
    }


def function(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """`{name, parameters?, ...}` of a tool in OpenAI's shape, nested or flat; None: it is none."""
    if tool.get("type") != "function":
        return None
    return cast("Mapping[str, Any]", tool.get("function") or tool)


def arguments(value: Any) -> str:
    """Arguments that came as an object, as JSON text; a string is taken for such text."""
    if isinstance(value, str):
        return text(value)
    try:
        return text(json.dumps(value, ensure_ascii=False))
    except RecursionError:  # can be read, but not written again: nothing a tool would take
        return ""


def strange(what: Mapping[str, Any], api: str) -> UsageError:
    """The error for a message or a part the API has no place for."""
    if "role" in what:
        return UsageError(f"{api} has no message of role {what['role']!r}.")
    kind = what.get("type") or ", ".join(map(str, what))
    return UsageError(f"{api} has no place for a message part of type {_short(kind)}.")


def object_of(value: Any) -> dict[str, Any] | None:
    """The object that JSON text spells, or is already; None: it is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}  # a call without arguments
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _media(url: str, name: str = "") -> Media:
    if not url.startswith("data:"):
        return Media(url=url, name=name)
    head, _, data = url[5:].partition(",")
    if not head.endswith(";base64") or not data:
        raise UsageError(f"Not a base64 data URL: {_short(url)}.")
    return Media(head.partition(";")[0], data, name=name)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
