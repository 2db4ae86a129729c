"""What the prompt says because an API has no place for it: tools, and the form of the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipyllm.structured.instruction import as_text, instruction, tool_instruction
from ipyllm.wire.chat_shape import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ipyllm.dialects import Dialect
    from ipyllm.request import Message, Request

__all__ = ("called_by_schema", "told")


def told(request: Request, dialect: Dialect) -> Request:
    """The request as this dialect can ask it."""
    system = [request.system]
    if not dialect.tools:
        if request.tools:
            system.append(tool_instruction(request.tools))
        request = replace(request, tools=(), messages=as_text(request.messages))
    if request.schema is not None and not dialect.typed:
        system.append(instruction(request.schema))
        request = replace(request, schema=None)
    return replace(request, system="\n\n".join(filter(None, system)))


def called_by_schema(request: Request) -> Request:
    """
    The request for a model too small for tools: its first answer can only be a call.

    SmolLM2's template drops tools without a word, and its 135 million parameters do not keep to a
    format; a grammar made of the schema does. Once there are results, they are put to it as a part of
    the question: told in tags, it answers in tags.
    """
    if not request.tools:
        return request
    called = any(message["role"] == "tool" for message in request.messages)
    if called:
        return replace(request, tools=(), messages=_known(request.messages))
    system = "\n\n".join(filter(None, [request.system, tool_instruction(request.tools)]))
    schema = {"anyOf": [_call(tool["function"]) for tool in request.tools]}
    return replace(request, tools=(), system=system, schema=schema, schema_name="call")


def _known(messages: Sequence[Message]) -> list[Message]:
    """The conversation up to the question, which now says what the functions gave."""
    last = max(i for i, message in enumerate(messages) if message["role"] == "user")
    given = [_words(message["content"]) for message in messages[last:] if message["role"] == "tool"]
    facts = "\n".join(f"- {fact}" for fact in given)
    question = _words(messages[last]["content"])
    told = f"{question}\n\nThis is known:\n{facts}\n\nAnswer with it, in one sentence."
    return [*messages[:last], {"role": "user", "content": told}]


def _words(content: Any) -> str:
    """The text of a message; of pictures this model sees nothing."""
    return "\n".join(str(part["text"]) for part in parts(content) if part.get("type") == "text")


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    parameters = function.get("parameters") or {"type": "object"}
    return {
        "type": "object",
        "properties": {"name": {"const": function["name"]}, "arguments": parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }
