"""The variable a cell leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ipyllm.events import Finish, StreamError, ToolResult, Usage
from ipyllm.run.metrics import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ipyllm.events import Event, FinishReason
    from ipyllm.request import Message
    from ipyllm.run.completion import Completion
    from ipyllm.structured.checker import Violation

__all__ = ("Reply", "ToolCall")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """
    One call the model asks for.

    * `arguments`: the JSON text as it came, maybe not whole.
    * `result`: what became of it; None where nobody made the call.
    """

    id: str
    name: str
    arguments: str
    result: ToolResult | None = None


class Reply(str):  # noqa: SLOT000 - a str subclass with slots cannot be copied or pickled
    """
    The answer's text, which is a `str`, with all that is known about it.

    * `reasoning`: what the model thought, "" if nothing was shown.
    * `refusal`: its words for not answering, "" if it did.
    * `tool_calls`: list of `ToolCall`.
    * `usage`: the service's token counts.
    * `finish_reason`: why it ended, one of `ipyllm.events.FinishReason`.
    * `timing`: `Timing`, seconds.
    * `model`: `provider/model`; `label`: the same for people.
    * `messages`: the conversation with this answer at its end; `asked`: what of it was sent first.
    * `references`: (from, to, name): stretches of the last message sent that came from the notebook's names.
    * `value`: the typed object of a structured answer, else None.
    * `violation`: why a structured answer has no value (`path`, `rule`, `message`, `at`); None where it
      has one, or none was asked for.
    * `choices`: the texts of all choices (`-p n=2`); the first is the answer.
    * `logprobs`: (token, natural logarithm of its probability), where they were asked for.
    * `error`: the `StreamError` that ended it, else None.
    """

    bundle: ClassVar[Callable[[Reply], dict[str, Any]] | None] = None  # set by ipyllm.widget
    opener: ClassVar[Callable[[Reply], None] | None] = None  # likewise

    reasoning: str
    refusal: str
    tool_calls: list[ToolCall]
    usage: Usage
    finish_reason: FinishReason
    timing: Timing
    model: str
    label: str
    messages: list[dict[str, Any]]
    asked: list[dict[str, Any]]
    references: tuple[tuple[int, int, str], ...]
    value: Any
    violation: Violation | None
    choices: list[str]
    logprobs: list[tuple[str, float]]
    error: StreamError | None
    _completion: Completion

    @classmethod
    def of(
        cls,
        completion: Completion,
        timing: Timing,
        *,
        model: str = "",
        label: str = "",
        asked: Sequence[Message] = (),
    ) -> Reply:
        """Everything received, settled."""
        text = completion.text
        reply = cls(text)
        reply.reasoning = completion.reasoning
        reply.refusal = completion.refusal
        reply.tool_calls = [
            ToolCall(*call, completion.results.get(index)) for index, call in completion.calls()
        ]
        reply.usage = completion.usage
        finish = completion.finish or Finish("truncated")
        reply.finish_reason = finish.reason
        reply.error = completion.error or _unsaid(finish)
        reply.timing = timing
        reply.model = model
        reply.label = label or model
        reply.value = reply.violation = None
        reply.choices = completion.choices
        reply.logprobs = completion.logprobs
        reply.asked = [*map(dict, asked)]
        reply.references = ()
        reply.messages = [*reply.asked, {"role": "assistant", "content": text}]
        reply._completion = completion
        return reply

    def show(self) -> None:
        """Open the live view again, in the output of the cell that runs; elsewhere print the text."""
        if Reply.opener is None:
            print(self)  # noqa: T201 - where nothing else shows it
        else:
            Reply.opener(self)

    @property
    def raw_events(self) -> list[Event]:
        """The events as they were decoded, in order."""
        return self._completion.events()

    @property
    def raw_end(self) -> Finish | None:
        """The last event: the `Finish` with its words."""
        return self._completion.finish

    @property
    def transcript(self) -> list[tuple[str, str]]:
        """(channel, text) in order of arrival; the channels are those of `ipyllm.run.channels`."""
        return self._completion.transcript()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy as what it says; a `str` subclass would else lose its attributes."""
        rest = (self.messages, self.value, self.violation, self._completion.before)
        rest = (*rest, self.asked, self.references)
        return (
            _restore,
            (self._completion.events(), self.timing, self.model, self.label, *rest),
        )

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, Any]:
        if Reply.bundle is None:
            return {"text/plain": str(self), "text/markdown": str(self)}
        return Reply.bundle(self)


def _unsaid(finish: Finish) -> StreamError | None:
    """Some services end an answer with the word `error`, and no other."""
    if finish.reason != "error":
        return None
    said = f" ({finish.raw})" if finish.raw else ""
    return StreamError("ServerError", f"The service ended the answer with an error{said}.")


def _restore(
    events: list[Event],
    timing: Timing,
    model: str,
    label: str,
    messages: list[dict[str, Any]],
    value: Any,
    violation: Violation | None = None,
    before: str = "",
    asked: Sequence[Message] = (),
    references: tuple[tuple[int, int, str], ...] = (),
) -> Reply:
    from ipyllm.run.completion import Completion

    completion = Completion(before)
    for event in events:
        completion.add(event)
    reply = Reply.of(completion, timing, model=model, label=label, asked=asked)
    reply.references = references
    reply.messages, reply.value, reply.violation = messages, value, violation
    return reply
