"""
Whether JSON that still streams can become what a schema asks: no, from the first wrong character.

Members are judged as they are written: of two with one name both have to fit, although JSON
lets the last one win. Keywords that are not known here (`unevaluatedProperties`, most formats)
ask for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

from ipyllm.structured.claims import Choice, Claim, Fall
from ipyllm.structured.edits import Begin, Edit, End, Grow, Kind, Name, Path
from ipyllm.structured.part import kind_of
from ipyllm.structured.rules import Rule, Rules
from ipyllm.structured.watches import (
    ArrayWatch,
    NumberWatch,
    ObjectWatch,
    StringWatch,
    Watch,
    watch,
)

__all__ = ("Checker", "Violation", "check", "show")


@dataclass(frozen=True, slots=True)
class Violation:
    """
    Why a text cannot become valid any more.

    * `path`: where in the value.
    * `rule`: the schema's keyword, or "json".
    * `message`: one sentence, as `$.age: a string, not an integer`.
    * `at`: offset of the first impossible character, in characters from the text's start.
    """

    path: Path
    rule: str
    message: str
    at: int


class _Frame:
    """One value, or one member's name, that is not whole: what is watched of it, and its choices."""

    __slots__ = ("choices", "names", "pieces", "watches")

    def __init__(self) -> None:
        self.watches: list[Watch] = []
        self.choices: list[Choice] = []
        self.names: _Frame | None = None  # of the name under way, for `propertyNames`
        self.pieces: list[str] = []


class Checker:
    """Fed the edits of one JSON text, in their order; says once and for all what is wrong."""

    __slots__ = ("_at", "_frames", "_root", "_rule", "_rules", "_whole")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._rules = Rules(schema)
        self._rule = self._rules.of(schema)
        self._root = Claim()
        self._frames: list[_Frame] = []
        self._at = 0
        self._whole = False

    def feed(self, edits: Iterable[Edit]) -> Violation | None:
        """The first violation, now or earlier; None: the text can still become valid."""
        for edit in edits:
            if self._root.fallen:
                break
            self._at = edit.at
            match edit:
                case Begin(path, kind, at):
                    self._begin(path, kind, at)
                case Name(path, text, at, whole):
                    self._name(path, text, at, whole=whole)
                case Grow(_, text, at):
                    _grow(self._frames[-1], text, at)
                case End(path, value, at):
                    self._end(path, value, at)
        return self._violation()

    def close(self) -> Violation | None:
        """The text is over."""
        if not self._whole:
            said = "the text ends before the value is whole"
            self._root.fall(Fall((), "json", said, self._at))
        return self._violation()

    def _violation(self) -> Violation | None:
        fall = self._root.fallen
        return fall and Violation(fall.path, fall.rule, f"{show(fall.path)}: {fall.said}", fall.at)

    def _begin(self, path: Path, kind: Kind, at: int) -> None:
        frame = _Frame()
        if self._frames:
            for node, claim in _asked(self._frames[-1], path[-1], at):
                self._open(frame, self._rules.of(node), claim, path, kind, at)
        else:
            self._open(frame, self._rule, self._root, path, kind, at)
        self._frames.append(frame)

    def _open(
        self, frame: _Frame, rule: Rule, claim: Claim, path: Path, kind: Kind, at: int, *above: Rule
    ) -> None:
        for part in rule:
            if claim.fallen:
                return
            if kind not in part.kinds:
                claim.fall(Fall(path, part.why, f"{_WORDS[kind]}, not {part.expected}", at))
                return
            if (watched := watch(part, kind, path, claim)) is not None:
                frame.watches.append(watched)
            for alternatives in part.choices:
                choice = Choice(alternatives.keyword, len(alternatives.branches), claim)
                frame.choices.append(choice)
                rules = [self._rules.of(node) for node in alternatives.branches]
                if wrong := _no_kind(alternatives.keyword, rules, kind):
                    claim.fall(Fall(path, "type", wrong, at))
                    return
                for branch, each in zip(choice.branches, rules, strict=True):
                    if any(each is one for one in (rule, *above)) and each:
                        branch.fall(Fall(path, "$ref", "a schema that is only itself again", at))
                    else:
                        self._open(frame, each, branch, path, kind, at, rule, *above)

    def _name(self, path: Path, text: str, at: int, *, whole: bool) -> None:
        frame = self._frames[-1]
        objects = [each for each in frame.watches if isinstance(each, ObjectWatch)]
        if frame.names is None:
            frame.names = self._open_names(objects, path, at)
        frame.names.pieces.append(text)
        # One after the other, so that what is wrong first is found first.
        for offset, char in enumerate(text if objects else ""):
            for each in objects:
                if not each.claim.fallen:
                    each.grow(char, at + offset)
            _grow(frame.names, char, at + offset)
        if whole:
            for each in objects:
                if not each.claim.fallen:
                    each.named(at + len(text))
            _close(frame.names, path, "".join(frame.names.pieces), at + len(text))
            frame.names = None

    def _open_names(self, objects: list[ObjectWatch], path: Path, at: int) -> _Frame:
        frame = _Frame()
        for each in objects:
            if each.part.names is not True and not each.claim.fallen:
                rule = self._rules.of(each.part.names)
                self._open(frame, rule, each.claim, path, "string", at)
        return frame

    def _end(self, path: Path, value: Any, at: int) -> None:
        _close(self._frames.pop(), path, value, at)
        self._whole = not self._frames
        if self._frames:
            for each in self._frames[-1].watches:
                if isinstance(each, ArrayWatch) and not each.claim.fallen:
                    each.closed(value, at)


def check(schema: Mapping[str, Any], value: Any) -> Violation | None:
    """What is wrong with a whole value, by the same rules; `at` is an offset in no text: 0."""
    checker = Checker(schema)
    return checker.feed(_walk((), value)) or checker.close()


def show(path: Path) -> str:
    """A path as one writes it: `$.people[0].name`."""
    steps = (
        f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{json.dumps(step)}]"
        for step in path
    )
    return "$" + "".join(steps)


def _grow(frame: _Frame, text: str, at: int) -> None:
    if not frame.watches:
        return
    for offset, char in enumerate(text):
        for each in frame.watches:
            if isinstance(each, (StringWatch, NumberWatch)) and not each.claim.fallen:
                each.grow(char, at + offset)


def _close(frame: _Frame, path: Path, value: Any, at: int) -> None:
    for each in frame.watches:
        if not each.claim.fallen:
            each.end(value, at)
    for choice in reversed(frame.choices):  # the inner ones first
        choice.settle(path, at)


def _asked(frame: _Frame, step: str | int, at: int) -> Iterator[tuple[Any, Claim]]:
    """The schemas a child has to fit, each with what falls if it does not."""
    for each in frame.watches:
        if each.claim.fallen:
            continue
        if isinstance(each, ObjectWatch):
            for node in each.schemas(str(step)):
                yield node, each.claim
        elif isinstance(each, ArrayWatch):
            yield from each.item(at)


_WORDS: dict[Kind, str] = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "number": "a number",
    "true": "true",
    "false": "false",
    "null": "null",
}


def _no_kind(keyword: str, rules: list[Rule], kind: Kind) -> str:
    """Why a value of this kind fits none of the alternatives; "" if one takes it, or need not."""
    if keyword not in ("anyOf", "oneOf"):
        return ""
    refused = [next((part for part in rule if kind not in part.kinds), None) for rule in rules]
    if None in refused:
        return ""
    expected = dict.fromkeys(part.expected for part in refused if part)
    return f"{_WORDS[kind]}, not {' or '.join(expected)}"


def _walk(path: Path, value: Any) -> Iterator[Edit]:
    kind = kind_of(value)
    yield Begin(path, kind, 0)
    match kind:
        case "object":
            for name, each in cast("Mapping[str, Any]", value).items():
                yield Name(path, name, 0, whole=True)
                yield from _walk((*path, name), each)
        case "array":
            for index, each in enumerate(cast("list[Any]", value)):
                yield from _walk((*path, index), each)
        case "string":
            yield Grow(path, value, 0)
        case "number":
            # Infinity and NaN are no JSON, but Python reads them: as a number without end.
            endless = isinstance(value, float) and not isfinite(value)
            yield Grow(path, "9e999999" if endless else json.dumps(value), 0)
        case _:
            pass
    yield End(path, value, 0)
