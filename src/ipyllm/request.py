"""What is asked: one frozen value, the same for every API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ("Message", "Request")

Message = Mapping[str, Any]
"""`{"role": "system" | "user" | "assistant" | "tool", "content": str, ...}`"""


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
        """The last thing the user said."""
        users = (m["content"] for m in reversed(self.messages) if m["role"] == "user")
        return str(next(users, ""))

    def after(self, messages: Sequence[Message]) -> Request:
        """The same request, these messages later."""
        return replace(self, messages=[*self.messages, *messages])
