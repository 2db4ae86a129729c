"""
What a model is told where its API has no place for it: the form of the answer, tools, their results.

Tools take the form of Hermes, which many open models were trained on:
https://github.com/NousResearch/Hermes-Function-Calling
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from ipyllm.request import Message

__all__ = ("as_text", "instruction", "second_try", "tool_instruction")

_SHOWN = 4000  # characters of a wrong answer that are shown to the model again


def instruction(schema: Mapping[str, Any]) -> str:
    """For the system prompt: answer in JSON of this form."""
    return (
        "Answer with one JSON object that fits this JSON Schema:\n\n"
        f"{_json(schema)}\n\n"
        "No prose before or after it, no code fence. Answer with the JSON alone."
    )


def second_try(violation: str, text: str, schema: Mapping[str, Any] | None = None) -> str:
    """
    The user's next message, after an answer that did not fit.

    With the schema where nothing shows that the model was ever told it: some servers that speak
    another's API drop it in silence (llama.cpp at `/v1/messages` and `/v1/responses`).
    """
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    said = f"Your answer was:\n\n{shown}\n\n" if shown.strip() else "Your answer was empty. "
    asked = f"The JSON Schema is:\n\n{_json(schema)}\n\n" if schema is not None else ""
    return (
        f"{said}It does not fit the schema: {violation.rstrip('.')}. {asked}"
        "Give the whole answer again, corrected. Answer with the JSON alone."
    )


def tool_instruction(tools: Iterable[Mapping[str, Any]]) -> str:
    """For the system prompt: these functions exist, and this is how to call one."""
    lines = "\n".join(_json(_signature(tool)) for tool in tools)
    return (
        "You can call functions. These exist, as JSON Schemas:\n"
        f"<tools>\n{lines}\n</tools>\n"
        "To call one, write its name and its arguments as JSON, exactly in this form, and stop:\n"
        f"{_tagged('tool_call', {'name': 'NAME', 'arguments': {}})}\n"
        "Several calls may follow each other. The results come back in <tool_response>; then answer, "
        "or call again. Call nothing when you know the answer."
    )


def as_text(messages: Iterable[Message]) -> list[Message]:
    """The same conversation in plain messages: calls and results are text, in the same form."""
    out: list[Message] = []
    names: dict[str, str] = {}
    results: list[Message] = []
    for message in messages:
        if message.get("role") == "tool":
            results.append(message)
            continue
        if results:
            out.append({"role": "user", "content": _results(results, names)})
            results = []
        if not message.get("tool_calls"):
            out.append(message)
            continue
        calls = cast("list[Any]", message["tool_calls"])
        names |= {call.get("id", ""): call["function"]["name"] for call in calls}
        out.append({"role": "assistant", "content": _called(message, calls)})
    if results:
        out.append({"role": "user", "content": _results(results, names)})
    return out


def _signature(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = cast("Mapping[str, Any]", tool.get("function") or tool)
    return {key: function[key] for key in ("name", "description", "parameters") if key in function}


def _called(message: Message, calls: Sequence[Any]) -> str:
    said = [words for words in [_words(message.get("content"))] if words]
    functions = [call["function"] for call in calls]
    return "\n".join(
        said
        + [
            _tagged(
                "tool_call",
                {"name": one.get("name"), "arguments": _object(one.get("arguments"))},
            )
            for one in functions
        ]
    )


def _results(results: list[Message], names: Mapping[str, str]) -> str | list[dict[str, Any]]:
    """One message for all of them; in parts if there are pictures, after the text."""
    lines: list[str] = []
    pictures: list[dict[str, Any]] = []
    for message in results:
        name = message.get("name") or names.get(str(message.get("tool_call_id")), "")
        key = "error" if message.get("is_error") else "content"
        content = message.get("content")
        lines.append(_tagged("tool_response", {"name": name, key: _words(content)}))
        pictures += [part for part in _parts(content) if part.get("type") != "text"]
    said = "\n".join(lines)
    return [{"type": "text", "text": said}, *pictures] if pictures else said


def _parts(content: Any) -> list[dict[str, Any]]:
    found = cast("list[Any]", content) if isinstance(content, list) else []
    return [cast("dict[str, Any]", part) for part in found if isinstance(part, dict)]


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(
        str(part.get("text")) for part in _parts(content) if part.get("type") == "text"
    )


def _object(arguments: Any) -> Any:
    """Arguments as the object they spell; as they are, if they spell none."""
    if not isinstance(arguments, str):
        return arguments or {}
    try:
        return json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return arguments


def _tagged(tag: str, value: Any) -> str:
    return f"<{tag}>\n{_json(value)}\n</{tag}>"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
