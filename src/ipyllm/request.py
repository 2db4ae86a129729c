"""What is asked: one frozen value, the same for every API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

__all__ = ("Message", "Request", "text_of")

Message = Mapping[str, Any]
"""
`{"role": "system" | "user" | "assistant" | "tool", "content": str | list[part], ...}`

A part is OpenAI's: `{"type": "text", "text": ...}`, or for a picture
`{"type": "image_url", "image_url": {"url": "data:image/png;base64,..." or an address}}`, in the order
in which they are read. Each dialect puts it into its API's own shape, or refuses it.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One question to one model.

    * `model`: the model's name as the service knows it; sent as it is.
    * `messages`: the conversation, oldest first.
    * `system`: instructions put before it; "" for none.
    * `params`: everything else, named as the API names it (`temperature`, `max_tokens`, ...).
    * `tools`: functions with their JSON Schemas in the shape of OpenAI's chat, or tools of the API.
    * `schema`: JSON Schema, of an object, that the answer has to fit; None for plain text.
    * `schema_name`: what the service is told it is called; "" for no name in particular.
    """

    model: str
    messages: Sequence[Message]
    system: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tools: Sequence[Mapping[str, Any]] = ()
    schema: Mapping[str, Any] | None = None
    schema_name: str = ""

    @property
    def prompt(self) -> str:
        """The last thing the user said: its text, where it has pictures."""
        users = (text_of(m) for m in reversed(self.messages) if m["role"] == "user")
        return next(users, "")

    def after(self, messages: Sequence[Message]) -> Request:
        """The same request, these messages later."""
        return replace(self, messages=[*self.messages, *messages])


def text_of(message: Message) -> str:
    """The text of a message, without its pictures."""
    content: Any = message.get("content") or ""
    if not isinstance(content, list):
        return str(content)
    parts = cast("list[Any]", content)
    texts = (part if isinstance(part, str) else part.get("text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))
