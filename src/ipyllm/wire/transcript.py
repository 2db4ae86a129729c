"""
A conversation as one text, for APIs that take a prompt and no messages.

One question is sent as it is, below the system prompt. Several messages become

    Be brief.

    User: Hi

    Assistant: Hello.

    User: Who are you?

    Assistant:

and the model goes on where it ends. A last message of the assistant is what it goes on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipyllm.errors import UsageError
from ipyllm.wire.chat_shape import strange, words

if TYPE_CHECKING:
    from ipyllm.request import Message, Request

__all__ = ("transcript",)


def transcript(request: Request, api: str) -> str:
    """
    The prompt that stands for the request's messages.

    Raises:
        UsageError: tools, a picture or a role that no text has.
    """
    if request.tools:
        raise UsageError(f"{api} takes no tools.", hint="Ask the chat API of the same service.")
    said = [(str(message.get("role")), _said(message, api)) for message in request.messages]
    rules = [request.system] if request.system else []
    rules += [words for role, words in said if role in _RULES]
    turns = [(role, words) for role, words in said if role not in _RULES]
    if len(turns) == 1 and turns[0][0] == "user":
        return "\n\n".join([*rules, turns[0][1]])
    lines = [f"{_NAMES[role]}: {words}" for role, words in turns]
    if turns and turns[-1][0] == "user":
        lines.append("Assistant:")
    return "\n\n".join([*rules, *lines])


_RULES = ("system", "developer")
_NAMES = {"user": "User", "assistant": "Assistant"}


def _said(message: Message, api: str) -> str:
    role = message.get("role")
    if role not in (*_RULES, *_NAMES):
        raise strange({"role": role}, api)
    if message.get("tool_calls"):
        raise UsageError(f"{api} takes no tool calls.", hint="Ask the chat API of the service.")
    return words(message.get("content"), api)
