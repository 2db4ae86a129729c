"""
A structured answer: its JSON is found, checked as it comes, and turned into the wanted object.

The stream is cut at the first character after which nothing that follows could make it valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ipyllm.events import Event, Finish, TextDelta, ValueDelta
from ipyllm.structured.checker import Checker, Violation
from ipyllm.structured.instruction import second_try
from ipyllm.structured.invalid import Invalid
from ipyllm.structured.json_in_text import JsonInText
from ipyllm.structured.partial_json import InvalidJson, PartialJson
from ipyllm.structured.strict import nullable

if TYPE_CHECKING:
    from ipyllm.request import Message
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply
    from ipyllm.run.source import Source
    from ipyllm.structured.edits import Edit
    from ipyllm.structured.schema import Shape

__all__ = ("Typed",)

# Ends after which the answer could have been one; after any other it is not the model's fault.
_ITS_OWN = ("stop", "length", "truncated")


class Typed:
    """
    A `Plan`: one answer of that shape, asked for again up to `retries` times with what was wrong.

    * `abort`: cut the stream as soon as it cannot become valid.
    """

    def __init__(self, shape: Shape, *, abort: bool = True, retries: int = 0) -> None:
        self._shape = shape
        self._schema = nullable(shape.schema)
        self._abort = abort
        self._retries = retries
        self._said: list[Message] = []
        self._value: Any = None
        self.begin()

    def begin(self) -> None:
        """As `Plan.begin`."""
        self._found = JsonInText()
        self._json = PartialJson()
        self._checker = Checker(self._schema)
        self._text: list[str] = []
        self._violation: Violation | None = None

    def feed(self, events: list[Event]) -> list[Event]:
        """Text becomes prose and value; a `Finish` says whether the value is one."""
        out: list[Event] = []
        for event in events:
            match event:
                case TextDelta(text):
                    self._text.append(text)
                    out += self._read(self._found.feed(text))
                case Finish():
                    out += self._end(event)
                case _:
                    out.append(event)
            if self._violation is not None and self._abort and not isinstance(event, Finish):
                return [*out, self._invalid(self._violation)]
        return out

    def wants_more(self, finish: Finish) -> bool:
        """After an answer that does not fit, as long as there are tries left."""
        return finish.reason == "invalid" and self._retries > 0

    def go_on(self, run: Run) -> Source | Finish:
        """Ask again, with what was wrong."""
        self._retries -= 1
        text = "".join(self._text)
        wrong = self._violation.message if self._violation else "it has no JSON"
        said: list[Message] = [
            {"role": "user", "content": second_try(wrong, text, self._shape.schema)}
        ]
        if text:  # two messages of one role in a row are more than some models' templates take
            said.insert(0, {"role": "assistant", "content": text})
        self._said += said
        self.begin()
        return run.source.more(said)

    def cancel(self) -> None:
        """Nothing takes long here."""

    def settle(self, reply: Reply) -> None:
        """Give the reply its value, or why it has none."""
        reply.value = self._value
        if self._value is None and self._violation is not None:
            reply.violation = self._violation
        if self._said:
            reply.messages[-1:-1] = map(dict, self._said)

    def _read(self, pieces: Sequence[tuple[str, str]]) -> list[Event]:
        return [
            self._value_delta(text) if kind == "json" else TextDelta(text) for kind, text in pieces
        ]

    def _value_delta(self, text: str) -> Event:
        if self._violation is None:
            try:
                self._violation = self._checker.feed(self._json.feed(text))
            except InvalidJson as exc:
                self._violation = self._checker.feed(exc.edits) or _no_json(exc)
        return ValueDelta(text)

    def _end(self, finish: Finish) -> list[Event]:
        out = self._read(self._found.close())
        if finish.reason not in _ITS_OWN:
            return [*out, finish]
        self._judge()
        # What a limit cut off did not fit because of the limit, and asking again would not help.
        if self._violation is None or finish.reason != "stop":
            return [*out, finish]
        return [*out, self._invalid(self._violation)]

    def _judge(self) -> None:
        """The whole value: JSON to its end, the schema, and the class it is to become."""
        if self._violation is not None:
            return
        edits: list[Edit] = []
        try:
            edits = self._json.close()
            self._violation = self._checker.feed(edits) or self._checker.close()
            if self._violation is None:
                self._value = self._shape.convert(self._json.value)
        except InvalidJson as exc:
            self._violation = _no_json(exc)
        except Invalid as exc:
            self._violation = Violation(exc.path, exc.rule, exc.message, 0)

    def _invalid(self, violation: Violation) -> Finish:
        return Finish("invalid", f"{violation.rule}: {violation.message}")


def _no_json(exc: InvalidJson) -> Violation:
    return Violation((), "json", exc.message, exc.at)
