"""`%llm continue`: an answer that was cut off goes on where it stopped, in the same message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.providers import continuable, continuing_params
from ipyllm.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipyllm.run.reply import Reply

__all__ = ("Continuation", "continuation")

_CUT = ("interrupted", "length", "budget", "truncated", "error")
# "final assistant content cannot end with trailing whitespace": what is cut off here it says again.
_NO_SPACE_AT_THE_END = ("anthropic",)


@dataclass(frozen=True, slots=True)
class Continuation:
    """
    What is needed to go on.

    * `messages`: the conversation as it was asked, without the answer.
    * `partial`: the answer's last message so far, as it is sent.
    * `before`: all the text there was, as it is shown; it ends with `partial`.
    * `params`: what the API has to be told.
    """

    messages: list[dict[str, Any]]
    partial: str
    before: str
    params: dict[str, Any]

    def request(self, params: Mapping[str, Any]) -> Request:
        """The same question with the answer so far, and the cell's own parameters."""
        system, said = "", self.messages
        if said and said[0].get("role") == "system" and isinstance(said[0]["content"], str):
            system, said = said[0]["content"], said[1:]
        so_far = {"role": "assistant", "content": self.partial}
        return Request("", [*said, so_far], system, {**params, **self.params})

    def join(self, reply: Reply) -> None:
        """Put what came behind what there was, in the reply's messages too."""
        first = reply.messages[len(self.messages)]
        said = str(first.get("content") or "")
        # A reply of one turn has the whole text there, one with calls its first turn's own.
        new = (
            said.removeprefix(self.before)
            if len(reply.messages) == len(self.messages) + 1
            else said
        )
        reply.messages[len(self.messages)] = {**first, "content": self.partial + new}


def continuation(reply: Reply, model: str, *, where: str) -> Continuation:
    """
    From what came; `model` is who goes on, `where` the answer's name for people.

    Raises:
        UsageError: it is whole, it has no text, or the API cannot go on from a text.
    """
    if reply.finish_reason not in _CUT:
        raise UsageError(
            f"There is nothing to continue: {where} ended by itself ({reply.finish_reason}).",
            hint="Only what was interrupted or cut at a limit goes on.",
        )
    provider = model.partition("/")[0]
    if (params := continuing_params(provider)) is None:
        raise UsageError(
            f"{provider} cannot go on from a partial answer.", hint=f"These can: {continuable()}."
        )
    *messages, last = map(dict, reply.messages)
    partial = last.get("content")
    if not isinstance(partial, str) or not partial.strip() or last.get("tool_calls"):
        raise UsageError(
            f"There is nothing to continue: {where} has no text at its end.",
            hint="Run the cell again.",
        )
    before = str(reply)
    if provider in _NO_SPACE_AT_THE_END:
        partial, before = partial.rstrip(), before.rstrip()
    return Continuation(messages, partial, before, params)
