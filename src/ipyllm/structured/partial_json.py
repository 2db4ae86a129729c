"""
JSON text that is cut anywhere, read as it comes: each character once, nothing parsed again.

The grammar is RFC 8259's and no more: no NaN, no comments, no comma before a bracket, no byte order
mark. What it leaves open is as in `json.loads`: of two members of one name the last one counts, half a
surrogate pair stays half, integers have at most `MAX_NUMBER` digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from ipyllm.structured.building import Building
from ipyllm.structured.edits import Begin, Edit, End, Grow, Kind, Name, Path
from ipyllm.structured.json_faults import control, no_colon, no_comma, no_name, no_value, place
from ipyllm.structured.scan import (
    ESCAPE,
    KINDS,
    NAME,
    NUMBER,
    PLAIN,
    STRING,
    WHITE,
    escape_so_far,
    joined,
    number,
    unescaped,
)

__all__ = ("MAX_DEPTH", "MAX_NUMBER", "InvalidJson", "PartialJson")

MAX_DEPTH = 200
"""Arrays and objects within one another. `copy.deepcopy` ends in a RecursionError before 500."""

MAX_NUMBER = 4300
"""Characters of one number, without its minus. Python converts no integer of more digits."""

_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}
_WHITE = " \t\n\r"
_AFTER_NUMBER = _WHITE + ",]}"


class InvalidJson(ValueError):
    """
    No text that goes on like this is JSON.

    * `message`: what was seen, and where in the value.
    * `at`: offset of the first character that cannot be there; the text's length where it ends too
      early.
    * `edits`: what the same `feed` or `close` brought before.
    """

    def __init__(self, message: str, at: int, edits: Sequence[Edit] = ()) -> None:
        super().__init__(f"{message} (character {at})")
        self.message = message
        self.at = at
        self.edits = list(edits)


class PartialJson:
    """
    `feed(text)` in, edits out; `value` is what the text spells so far.

    * `edits`: False for those who only want `value`: `feed` gives [], in less than half the time.
    """

    __slots__ = (
        "_at",
        "_base",
        "_bases",
        "_building",
        "_complete",
        "_cut",
        "_edits",
        "_error",
        "_high",
        "_high_at",
        "_kind",
        "_naming",
        "_out",
        "_path",
        "_phase",
        "_room",
        "_step",
    )

    def __init__(self, *, edits: bool = True) -> None:
        self._edits = edits
        self._out: list[Edit] = []
        self._at = 0  # offset of the text being fed
        self._step = self._value  # reads on from a place in that text; gives the next place
        self._building = Building()
        self._complete = False
        self._error: InvalidJson | None = None
        self._base: Path = ()  # of the innermost container
        self._bases: list[Path] = []  # of those around it
        self._path: Path = ()  # of the scalar
        self._kind: Kind | None = None  # of the scalar that came in part
        self._naming = False  # a name came in part
        self._cut = ""  # the start of an escape; what is yet to come of a constant
        self._high = ""  # half a surrogate pair, whose other half may come
        self._high_at = 0
        self._phase = ""  # of a number: the key in NUMBER
        self._room = 0  # how many characters it may still have

    @property
    def complete(self) -> bool:
        """The value is whole: nothing but white space may follow."""
        return self._complete

    @property
    def open(self) -> Path:
        """Path of the innermost value that has begun and is not whole; () where there is none."""
        return self._building.entry if self._kind else self._building.path

    @property
    def value(self) -> Any:
        """
        What the text spells so far; None while that is nothing.

        An open string is as long as what came of it, a number is there once it might end. Not there yet:
        a member without a value, half a constant, half an escape. The parser goes on filling these very
        dicts and lists: leave them as they are, and keep a state of them with `copy.deepcopy`. A look
        costs what came since the last one; and a copy of the open string, where somebody kept that.
        """
        building = self._building
        if self._kind == "string":
            building.show(building.text())
        elif self._kind == "number":
            seen = number(building.text(), self._phase)
            building.hide() if seen is None else building.show(seen)
        return building.top

    @property
    def settled(self) -> Any:
        """`value` without the string that is open; in the same dicts and lists, until it is read again."""
        if self._kind != "string":
            return self.value
        self._building.hide()
        return self._building.top

    def feed(self, text: str) -> list[Edit]:
        """
        Take more of the text, cut anywhere; give what it changes.

        Raises:
            InvalidJson: a character cannot be there. Nothing after it is read.
        """
        out = self._outset()
        at, size = 0, len(text)
        while at < size:
            at = self._step(text, at)
        self._at += size
        return out

    def close(self) -> list[Edit]:
        """
        The text is over: a number alone ends here.

        Raises:
            InvalidJson: the value is not whole.
        """
        out = self._outset()
        if self._kind == "number" and not self._building.depth:
            value = number(self._building.text(), self._phase)
            if value is not None:
                self._scalar(value, 0)
        if not self._complete:
            self._fail(f"The text ends {self._where()}", 0)
        return out

    def _outset(self) -> list[Edit]:
        if self._error:
            raise InvalidJson(self._error.message, self._error.at)
        self._out = []
        return self._out

    # Steps between tokens. Each gets a place before the text's end, and gives the place it came to.

    def _value(self, text: str, at: int) -> int:
        char = text[at]
        if char in _WHITE:
            return WHITE(text, at).end()
        kind = KINDS.get(char)
        if kind is None:
            self._fail(no_value(char, self._building), at)
        match kind:
            case "string":
                return self._string(text, at)
            case "number":
                self._begin(kind, at)
                self._kind, self._phase, self._step = kind, "start", self._number
                self._room = MAX_NUMBER + (char == "-")
                return self._number(text, at)
            case "object" | "array":
                return self._container(kind, at)
            case "true" | "false" | "null":
                self._begin(kind, at)
                self._kind, self._cut, self._step = kind, kind, self._constant
                return self._constant(text, at)

    def _first(self, text: str, at: int) -> int:
        char = text[at]
        if char in _WHITE:
            return WHITE(text, at).end()
        in_object = isinstance(self._building.home, dict)
        if char == ("}" if in_object else "]"):
            return self._leave(at)
        self._step = self._next_name if in_object else self._value
        return at

    def _next_name(self, text: str, at: int) -> int:
        if whole := NAME(text, at):
            self._building.name = whole[1]
            if self._edits:
                self._out.append(Name(self._base, whole[1], whole.start(1) + self._at, whole=True))
            self._step = self._value
            return whole.end()
        char = text[at]
        if char in _WHITE:
            return WHITE(text, at).end()
        if char != '"':
            self._fail(no_name(char, self._building), at)
        self._naming, self._step = True, self._characters
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        char = text[at]
        if char in _WHITE:
            return WHITE(text, at).end()
        if char != ":":
            self._fail(no_colon(char, self._building), at)
        self._step = self._value
        return at + 1

    def _after(self, text: str, at: int) -> int:
        char = text[at]
        if char in _WHITE:
            return WHITE(text, at).end()
        in_object = isinstance(self._building.home, dict)
        if char == ",":
            self._step = self._next_name if in_object else self._value
            return at + 1
        if char != ("}" if in_object else "]"):
            self._fail(no_comma(char, self._building), at)
        return self._leave(at)

    def _trailing(self, text: str, at: int) -> int:
        if text[at] not in _WHITE:
            self._fail(f"{text[at]!r} comes after the whole value", at)
        return WHITE(text, at).end()

    # Containers.

    def _container(self, kind: Kind, at: int) -> int:
        if self._building.depth == MAX_DEPTH:
            self._fail(f"More than {MAX_DEPTH} arrays and objects are within one another", at)
        self._begin(kind, at)
        self._bases.append(self._base)
        self._base = self._path
        self._building.enter({} if kind == "object" else [])
        self._step = self._first
        return at + 1

    def _leave(self, at: int) -> int:
        left = self._building.leave()
        if self._edits:
            self._out.append(End(self._base, left, at + self._at))
        self._base = self._bases.pop()
        self._ended()
        return at + 1

    # Scalars and names.

    def _begin(self, kind: Kind, at: int) -> None:
        if not self._edits:
            return
        building = self._building
        if building.depth:
            home = building.home
            self._path = (*self._base, building.name if isinstance(home, dict) else len(home))
        self._out.append(Begin(self._path, kind, at + self._at))

    def _scalar(self, value: Any, at: int) -> None:
        self._building.end(value)
        self._kind = None
        if self._edits:
            self._out.append(End(self._path, value, at + self._at))
        self._ended()

    def _ended(self) -> None:
        self._complete = not self._building.depth
        self._step = self._trailing if self._complete else self._after

    def _constant(self, text: str, at: int) -> int:
        rest = self._cut
        piece = text[at : at + len(rest)]
        if not rest.startswith(piece):
            wrong = next(i for i, char in enumerate(piece) if char != rest[i])
            seen = f"{piece[wrong]!r} is not how a constant goes on"
            self._fail(f"{seen}, {self._where()}", at + wrong)
        self._cut = rest[len(piece) :]
        end = at + len(piece)
        if not self._cut:
            self._scalar(_CONSTANTS[str(self._kind)], end - 1)
        return end

    def _number(self, text: str, at: int) -> int:
        found = NUMBER[self._phase](text, at)
        end = found.end()
        self._phase = found.lastgroup or self._phase
        if end - at > self._room:
            self._piece(text[at : at + self._room], at)
            seen = f"More than {MAX_NUMBER} characters are"
            self._fail(f"{seen} {self._where()}", at + self._room)
        self._room -= end - at
        if end > at:
            self._piece(text[at:end], at)
        if end < len(text):
            value = number(self._building.text(), self._phase)
            if value is None or text[end] not in _AFTER_NUMBER:
                self._fail(f"{text[end]!r} is not how a number goes on, {self._where()}", end)
            self._scalar(value, end)
        return end

    def _string(self, text: str, at: int) -> int:
        self._begin("string", at)
        whole = STRING(text, at)
        if not whole:
            self._kind, self._step = "string", self._characters
            return at + 1
        value = whole[1]
        if self._edits and value:
            self._out.append(Grow(self._path, value, at + 1 + self._at))
        self._scalar(value, whole.end() - 1)
        return whole.end()

    def _characters(self, text: str, at: int) -> int:
        if self._high and text[at] != "\\":
            self._unpaired()
        end = PLAIN(text, at).end()
        char = text[end : end + 1]
        if char == '"' and self._naming:
            self._named(text[at:end], at)
            return end + 1
        if end > at:
            self._piece(text[at:end], at)
        if char == '"':
            self._scalar(self._building.text(), end)
            return end + 1
        if char == "\\":
            self._step = self._escape
        elif char:
            self._fail(control(char, self._where()), end)
        return end

    def _named(self, rest: str, at: int) -> None:
        self._building.take_name(rest)
        self._naming, self._step = False, self._colon
        if self._edits:
            self._out.append(Name(self._base, rest, at + self._at, whole=True))

    def _escape(self, text: str, at: int) -> int:
        start = self._cut
        escape = start + text[at : at + 6 - len(start)]
        if whole := ESCAPE(escape, 0):
            end = at + whole.end() - len(start)
            self._cut, self._step = "", self._characters
            self._escaped(unescaped(whole[0]), end - 1)
            return end
        possible = escape_so_far(escape)
        if possible < len(escape):
            seen = f"{escape[possible]!r} is not how an escape goes on"
            self._fail(f"{seen}, {self._where()}", at + possible - len(start))
        self._cut = escape
        return len(text)

    def _escaped(self, char: str, at: int) -> None:
        if pair := joined(self._high, char):
            self._high, char = "", pair
        elif self._high:
            self._unpaired()
        if "\ud800" <= char <= "\udbff":
            self._high, self._high_at = char, at + self._at
        else:
            self._piece(char, at)

    def _unpaired(self) -> None:
        self._piece(self._high, self._high_at - self._at)
        self._high = ""

    def _piece(self, piece: str, at: int) -> None:
        self._building.pieces.append(piece)
        if not self._edits:
            return
        if self._naming:
            self._out.append(Name(self._base, piece, at + self._at, whole=False))
        else:
            self._out.append(Grow(self._path, piece, at + self._at))

    def _fail(self, message: str, at: int) -> NoReturn:
        self._error = InvalidJson(message, self._at + at, self._out)
        raise self._error

    def _where(self) -> str:
        return place(self._building, self._kind, naming=self._naming)
