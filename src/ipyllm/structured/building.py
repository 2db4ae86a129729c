"""The value that a text spells so far: dicts and lists, filled in place while it comes."""

from __future__ import annotations

from typing import Any, Final

from ipyllm.structured.edits import Path

__all__ = ("Building", "Container")

Container = dict[str, Any] | list[Any]

_NOTHING: Final = object()


class Building:
    """
    Where values are put as they become whole, and where a scalar can be seen before.

    * `home`: the innermost container that is open; the next value goes there.
    * `name`: of that value, where `home` is an object.
    * `depth`: how many containers are open.
    * `pieces`: what came of the open scalar since `text()`.
    """

    __slots__ = ("_hidden", "_outer", "_shown", "_text", "_top", "home", "name", "pieces")

    def __init__(self) -> None:
        self._top: list[Any] = []  # holds the top value, as if it were an array
        self.home: Container = self._top
        self.name = ""
        self._outer: list[tuple[Container, str]] = []  # `home` and `name` of the containers around
        self.pieces: list[str] = []
        self._text = ""
        self._shown = False  # the open scalar is in `home`,
        self._hidden: Any = _NOTHING  # where it took the place of this

    @property
    def top(self) -> Any:
        """The value itself; None before it is anything."""
        return self._top[0] if self._top else None

    @property
    def depth(self) -> int:
        return len(self._outer)

    @property
    def path(self) -> Path:
        """Path of `home`."""
        around = self._outer[1:]
        return tuple(name if isinstance(home, dict) else len(home) - 1 for home, name in around)

    @property
    def entry(self) -> Path:
        """Path of the next value, or of the scalar that is open."""
        if not self._outer:
            return ()
        home = self.home
        return (*self.path, self.name if isinstance(home, dict) else len(home) - self._shown)

    def enter(self, container: Container) -> None:
        self.put(container)
        self._outer.append((self.home, self.name))
        self.home = container

    def leave(self) -> Container:
        left = self.home
        self.home, self.name = self._outer.pop()
        return left

    def put(self, value: Any) -> None:
        """Have a whole value in its place."""
        home = self.home
        if isinstance(home, dict):
            home[self.name] = value
        elif self._shown:
            home[-1] = value
        else:
            home.append(value)

    def end(self, value: Any) -> None:
        """The scalar that was open is whole."""
        self.put(value)
        self.pieces.clear()
        self._text = ""
        self._shown = False
        self._hidden = _NOTHING

    def text(self) -> str:
        """What came of the open scalar."""
        if self.pieces:
            if self._shown:
                self.put("")
            # With no other name for it, CPython lengthens a str where it is: 1 MB in pieces of 4
            # characters, looked at after each, takes 0.6 s in place of 46.
            text, self._text = self._text, ""
            text += "".join(self.pieces)
            self._text = text
            self.pieces.clear()
        return self._text

    def take_name(self, rest: str) -> None:
        """The pieces, and the rest, are a name."""
        self.name = "".join((*self.pieces, rest))
        self.pieces.clear()

    def show(self, value: Any) -> None:
        """Have in its place what the open scalar would be if it ended here."""
        if not self._shown and isinstance(self.home, dict):
            self._hidden = self.home.get(self.name, _NOTHING)
        self.put(value)
        self._shown = True

    def hide(self) -> None:
        """Have in its place what was there before the open scalar began."""
        if not self._shown:
            return
        self._shown = False
        if not isinstance(self.home, dict):
            self.home.pop()
        elif self._hidden is _NOTHING:
            del self.home[self.name]
        else:
            self.home[self.name] = self._hidden
