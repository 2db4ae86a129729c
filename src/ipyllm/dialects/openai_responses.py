"""
OpenAI Responses, over SSE or a WebSocket; and the text of Realtime sessions.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ipyllm.dialects import Dialect
from ipyllm.structured.response_format import named
from ipyllm.wire.chat_shape import arguments, parts, strange
from ipyllm.wire.fields import dicts, dig, text
from ipyllm.wire.json_stream import JsonStream
from ipyllm.wire.responses import ResponsesGrammar

if TYPE_CHECKING:
    from ipyllm.request import Message, Request

__all__ = ("RESPONSES",)

_API = "The Responses API"


def _body(request: Request) -> dict[str, Any]:
    """
    The JSON to send.

    `store` is false: the whole conversation goes with each question, so nothing has to stay at
    the service for 30 days, as its default would have it. What a model thought before its calls is
    then lost to the next round, unless `-p include='["reasoning.encrypted_content"]'` asks for it;
    models that do not think refuse that. What comes is sent again (`wire.said`).
    """
    out: dict[str, Any] = {
        "model": request.model,
        "input": [item for message in request.messages for item in _items(message)],
        "stream": True,
        "store": False,
    }
    if request.system:
        out["instructions"] = request.system
    if request.tools:
        out["tools"] = [_tool(tool) for tool in request.tools]
    params = dict(request.params)
    if request.schema is not None:
        shape = {"format": {"type": "json_schema", **named(request)}}
        out["text"] = shape
        if isinstance(own := params.get("text"), dict):  # it may only say how verbose to be
            params["text"] = shape | cast("dict[str, Any]", own)
    return out | params


def _items(message: Message) -> list[dict[str, Any]]:
    if message.get("type"):  # an item of this API already
        return [dict(message)]
    content = message.get("content")
    match message.get("role"):
        case "system" | "developer" | "user" as role:
            return [_message(role, content, "input_text")]
        case "assistant":
            said = [_message("assistant", content, "output_text")] if content else []
            called = [_called(call) for call in dicts(message.get("tool_calls"))]
            return [*dicts(message.get("reasoning_items")), *said, *called]
        case "tool":
            call_id, output = message.get("tool_call_id"), _output(content)
            return [{"type": "function_call_output", "call_id": call_id, "output": output}]
        case _:
            raise strange({"role": None, **message}, _API)


def _output(content: Any) -> str | list[dict[str, Any]]:
    """Text; with pictures or files, "an array of output content"."""
    said = [_part(part, "input_text") for part in parts(content)]
    if all(part["type"] == "input_text" for part in said):
        return "\n".join(text(part["text"]) for part in said)
    return said


def _message(role: str, content: Any, kind: str) -> dict[str, Any]:
    said = [_part(part, kind) for part in parts(content)]
    return {"type": "message", "role": role, "content": said}


def _part(part: dict[str, Any], kind: str) -> dict[str, Any]:
    match part:
        case {"type": "text", "text": said}:
            return {"type": kind, "text": said}
        case {"type": "image_url", "image_url": {"url": url, **more}}:
            return {"type": "input_image", "image_url": url, **more}
        case {"type": "image_url", "image_url": str(url)}:
            return {"type": "input_image", "image_url": url}
        case {"type": "file", "file": {**file}}:
            return {"type": "input_file", **file}
        case {"type": str(own)} if own.startswith(("input_", "output_", "refusal")):
            return part  # in this API's shape already
        case _:
            raise strange(part, _API)


def _called(call: dict[str, Any]) -> dict[str, Any]:
    if isinstance(call.get("custom"), dict):
        kind, function, field = "custom_tool_call", call["custom"], "input"
    else:
        kind, function, field = "function_call", call.get("function"), "arguments"
    return {
        "type": kind,
        "call_id": call.get("id"),
        "name": dig(function, "name"),
        field: _arguments(dig(function, field)),
    }


def _arguments(value: Any) -> str:
    return arguments(value) if isinstance(value, (dict, list)) else text(value)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Flat, where Chat Completions has a `function` inside."""
    function = tool.get("function")
    if tool.get("type") == "function" and isinstance(function, dict):
        return {"type": "function", **cast("dict[str, Any]", function)}
    return dict(tool)


RESPONSES = Dialect(
    path=lambda _: "/responses", body=_body, decoder=lambda: JsonStream(ResponsesGrammar())
)
