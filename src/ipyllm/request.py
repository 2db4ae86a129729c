"""What is asked: one frozen value, the same for every API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    * `tools`: JSON Schemas of functions, as the API wants them.
    """

    model: str
    messages: Sequence[Message]
    system: str = ""
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tools: Sequence[Mapping[str, Any]] = ()

    @property
    def prompt(self) -> str:
        """The last thing the user said."""
        users = (m["content"] for m in reversed(self.messages) if m["role"] == "user")
        return str(next(users, ""))
