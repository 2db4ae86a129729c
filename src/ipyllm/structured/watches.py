"""
Objects and arrays while they stream: the earliest moment a part of a rule cannot be kept.

Where the text's first impossible character is a comma (an item too many) or a name's quote (no
name allowed), the edits do not show it: what is wrong is then the first character behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ipyllm.structured.claims import Choice, Claim
from ipyllm.structured.edits import Kind, Path
from ipyllm.structured.leaf_watches import NumberWatch, PartWatch, StringWatch
from ipyllm.structured.part import Part
from ipyllm.structured.patterns import Trail
from ipyllm.structured.words import Words, counted, short

__all__ = ("ArrayWatch", "ObjectWatch", "Watch", "watch")


class ObjectWatch(PartWatch):
    """The names an object may and must have, and what belongs under each."""

    __slots__ = ("_allowed", "_pieces", "_seen", "_used")

    def __init__(self, part: Part, path: Path, claim: Claim) -> None:
        super().__init__(part, path, claim)
        self._seen: dict[str, None] = {}
        self._pieces: list[str] = []
        self._allowed: Words | None = None  # the names `additionalProperties` leaves
        self._used: Words | None = None  # where there are as many as there may be

    def grow(self, char: str, at: int) -> None:
        """More of a name."""
        if not self._pieces:
            self._begin()
        self._pieces.append(char)
        if self._allowed is not None and not self._allowed.feed(char):
            self._refuse(at)
        elif self._used is not None and not self._used.feed(char):
            self._one_more(at)

    def named(self, at: int) -> None:
        """The name is whole."""
        if not self._pieces:
            self._begin()
        name = "".join(self._pieces)
        if self._used is not None and name not in self._seen:
            self._one_more(at)
        elif self.part.additional is False and not self.schemas(name):
            self._refuse(at)
        self._seen[name] = None
        self._pieces.clear()

    def schemas(self, name: str) -> list[Any]:
        """What the value under a name has to fit; nothing where there may be none."""
        part = self.part
        found = [part.properties[name]] if name in part.properties else []
        found += [schema for known, schema in part.by_pattern if known.search(name)]
        return found or [part.additional] * (part.additional is not False)

    def end(self, _: Any, at: int) -> None:
        part, seen = self.part, self._seen
        if missing := [name for name in part.required if name not in seen]:
            self.fall("required", f"the member {short(missing[0])} is missing", at)
        if len(seen) < part.size.least:
            self.fall("minProperties", f"fewer than {counted(part.size.least, 'member')}", at)
        for name, others in part.dependent.items():
            if name in seen and isinstance(others, list):
                for other in (each for each in cast("list[Any]", others) if each not in seen):
                    said = f"{short(name)} is there, and {short(other)} is missing"
                    self.fall("dependentRequired", said, at)

    def _begin(self) -> None:
        part = self.part
        patterns = [known for known, _ in part.by_pattern]
        if part.additional is False and all(known.steps is not None for known in patterns):
            self._allowed = Words(part.properties, map(Trail, patterns))
        # A name that is there already may come again: JSON lets the last one win.
        if part.size.most is not None and len(self._seen) >= part.size.most:
            self._used = Words(self._seen)

    def _refuse(self, at: int) -> None:
        self.fall(
            "additionalProperties", f"{short(''.join(self._pieces))} begins no name it may have", at
        )

    def _one_more(self, at: int) -> None:
        most = counted(self.part.size.most or 0, "member")
        self.fall("maxProperties", f"{short(''.join(self._pieces))} is one more than {most}", at)


class ArrayWatch(PartWatch):
    """How many items an array has, what each has to be, and that no two are alike."""

    __slots__ = ("_count", "_found", "_keys", "_probe")

    def __init__(self, part: Part, path: Path, claim: Claim) -> None:
        super().__init__(part, path, claim)
        self._count = self._found = 0
        self._keys: set[Any] = set()
        self._probe: Claim | None = None

    def item(self, at: int) -> Iterator[tuple[Any, Claim]]:
        """The next item begins; gives the schemas it has to fit, and what falls if it does not."""
        part, index = self.part, self._count
        self._count += 1
        if part.count.most is not None and index >= part.count.most:
            rule = "maxItems" if part.items is not False or index < len(part.prefix) else "items"
            self.fall(rule, f"more than {counted(part.count.most, 'item')}", at)
            return
        yield part.prefix[index] if index < len(part.prefix) else part.items, self.claim
        if part.contains is not None:
            self._probe = Choice("contains", 1, None).branches[0]
            yield part.contains, self._probe

    def closed(self, value: Any, at: int) -> None:
        """An item is whole."""
        part = self.part
        if self._probe is not None and self._probe.fallen is None:
            self._found += 1
            if part.containing.most is not None and self._found > part.containing.most:
                self.fall("maxContains", "more than enough items that fit `contains`", at)
        if part.unique:
            key = _key(value)
            if key in self._keys:
                self.fall("uniqueItems", f"{short(value)} is there twice", at)
            self._keys.add(key)

    def end(self, _: Any, at: int) -> None:
        part = self.part
        if self._count < part.count.least:
            self.fall("minItems", f"fewer than {counted(part.count.least, 'item')}", at)
        if part.contains is not None and self._found < part.containing.least:
            self.fall("contains", "no item, or too few, that fits `contains`", at)


Watch = StringWatch | NumberWatch | ObjectWatch | ArrayWatch


def watch(part: Part, kind: Kind, path: Path, claim: Claim) -> Watch | None:
    """What watches over a value of this kind; None where nothing more is asked of it."""
    if not part.watches(kind):
        return None
    match kind:
        case "string":
            return StringWatch(part, path, claim)
        case "number":
            return NumberWatch(part, path, claim)
        case "object":
            return ObjectWatch(part, path, claim)
        case _:
            return ArrayWatch(part, path, claim)


def _key(value: Any) -> Any:
    """The same for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    match value:
        case bool():
            return ("bool", value)
        case str():
            return ("text", value)
        case list():
            return ("array", *map(_key, cast("list[Any]", value)))
        case dict():
            return frozenset(
                (name, _key(each)) for name, each in cast("dict[str, Any]", value).items()
            )
        case _:
            return value
