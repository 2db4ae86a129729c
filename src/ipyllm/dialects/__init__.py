"""One module per JSON grammar: how to ask in it, how to decode its stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from ipyllm.errors import UsageError

if TYPE_CHECKING:
    from ipyllm.events import Event
    from ipyllm.request import Request

__all__ = ("APIS", "Decoder", "Dialect", "dialect")

APIS: dict[str, str] = {
    "openai_chat": "openai_chat:CHAT",
    "openai_completions": "openai_completions:COMPLETIONS",
    "openai_responses": "openai_responses:RESPONSES",
    "anthropic": "anthropic:MESSAGES",
    "ollama_chat": "ollama:CHAT",
    "ollama_generate": "ollama:GENERATE",
    "llamacpp": "llamacpp:COMPLETION",
    "gemini": "gemini:GENERATE_CONTENT",
    "messages": "messages:MESSAGES",
}
"""API -> the module here and its `Dialect`; loaded when first asked for."""


class Decoder(Protocol):
    """Bytes in, events out. Every stream ends in exactly one `Finish`, from `close` at the latest."""

    @property
    def finished(self) -> bool:
        """The API's own end was seen: nothing more has to be read."""
        ...

    def feed(self, chunk: bytes) -> list[Event]:
        """Take bytes, cut anywhere. Raises: ProtocolError."""
        ...

    def close(self) -> list[Event]:
        """No more bytes will come: what is still held, and the `Finish`."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    How one API is asked, and how its stream is read.

    * `path`: of the endpoint, below the base URL.
    * `body`: the JSON to send.
    * `decoder`: a fresh decoder for one response.
    * `auth`: the header that carries the key; `authorization` says `Bearer` before it.
    * `headers`: sent with each request.
    * `models`: path of the list of models, below the base URL; "" where there is none.
    * `typed`: `body` asks for an answer that fits `Request.schema`. Where it does not, the prompt has to:
      `ipyllm.structured.instruction.instruction`.
    * `tools`: `body` takes `Request.tools`. Where it does not, the prompt has to describe them:
      `tool_instruction` and `as_text`, in the same module.
    """

    path: Callable[[Request], str]
    body: Callable[[Request], dict[str, Any]]
    decoder: Callable[[], Decoder]
    auth: str = "authorization"
    headers: tuple[tuple[str, str], ...] = ()
    models: str = "/models"
    typed: bool = True
    tools: bool = True


def dialect(api: str) -> Dialect:
    """
    Find the dialect of that name.

    Raises:
        UsageError: no such API.
    """
    module, _, name = APIS.get(api, "").partition(":")
    if not module:
        raise UsageError(f"No API named {api!r}.", hint=f"Known: {', '.join(APIS)}.")
    return cast("Dialect", getattr(import_module(f"{__name__}.{module}"), name))
