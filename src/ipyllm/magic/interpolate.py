"""
`{name}` in a prompt, where `name` is a variable of the notebook; `-a` puts more behind it.

Everything else in braces stays as it is, so that JSON and code survive; what is put in is
not looked at again. Of braces in pairs around a live name one is taken off: `{{name}}` gives
`{name}`, and `{{{name}}}` its value in braces, as in an f-string.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import UsageError
from ipyllm.magic.attachments import Images
from ipyllm.magic.failures import failures_of
from ipyllm.magic.prompt import Prompt, Reference
from ipyllm.magic.reading import Names, NotRead
from ipyllm.magic.references import Found, parsed, references
from ipyllm.magic.values import Shown, shown_file, shown_value

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ("filled", "interpolate", "names_of", "prompt_of")

_MAX_HINTS = 5
_MAX_MISSING = (
    20  # names that a near one is looked for: each costs some 5 ms beside 1,000 variables
)


def prompt_of(
    shell: InteractiveShell, text: str, attach: Iterable[str] = (), *, raw: bool = False
) -> Prompt:
    """
    What is sent for a cell of this text.

    * `attach`: files or names, to go after the text.
    * `raw`: the text as it is.

    Raises:
        UsageError: something to attach is not there, too large, or neither text nor an image.
    """
    return filled(text, names_of(shell), attach, raw=raw)


def names_of(shell: InteractiveShell) -> Names:
    """What the prompts of this notebook can name; `In` is as it was typed."""
    known = cast("dict[str, Any]", shell.user_ns)
    typed = getattr(shell.history_manager, "input_hist_raw", [])
    history = {"In": typed, "Out": known.get("_oh", {}), "Err": failures_of(shell)}
    return Names(known, cast("dict[str, Any]", shell.user_ns_hidden), history)


def interpolate(text: str, names: Mapping[str, Any], hidden: Container[str] = ()) -> str:
    """The text alone of `filled`."""
    return filled(text, Names(names, hidden)).text


def filled(text: str, names: Names, attach: Iterable[str] = (), *, raw: bool = False) -> Prompt:
    """As `prompt_of`, with any names."""
    writing = _Writing(names)
    if raw:
        writing.text(text)
    else:
        writing.filled(text)
    for name in attach:
        writing.attached(name)
    return writing.prompt()


class _Writing:
    """One prompt, from its beginning to its end."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._images = Images()
        self._pieces: list[str | Mapping[str, Any]] = []
        self._at = 0  # characters written
        self._tail = ""  # the last two of them
        self._gap = False  # before the next text there has to be an empty line
        self._references: list[Reference] = []
        self._hints: dict[str, None] = {}
        self._missing: set[str] = set()

    def text(self, text: str) -> None:
        """More of it, as it is."""
        if not text:
            return
        if self._gap:
            self._gap = False
            self._blank_line(text)
        self._pieces.append(text)
        self._at += len(text)
        self._tail = (self._tail + text[-2:])[-2:]

    def filled(self, text: str) -> None:
        """The user's text, with the values of what it names."""
        at = 0
        for found in references(text):
            if (shown := self._replacement(found)) is None:
                continue
            self.text(text[at : found.start])
            at = found.end
            if isinstance(shown, str):
                self.text(shown)
                continue
            self.text("{" if found.braces == 3 else "")
            self._put(shown, found.path.text)
            self.text("}" if found.braces == 3 else "")
        self.text(text[at:])

    def attached(self, name: str) -> None:
        """A file or a name of the notebook, in a paragraph of its own."""
        shown = self._attachment(name)
        if shown.part is None:
            self._gap = self._at > 0
            shown = Shown(shown.text, None, is_block=True, hint=shown.hint)
        self._put(shown, name)

    def prompt(self) -> Prompt:
        """All of it."""
        hints = [*self._hints]
        if (more := len(hints) - _MAX_HINTS) > 0:
            hints = [*hints[:_MAX_HINTS], f"And {more} more of the kind."]
        return Prompt.of(self._pieces, hints=tuple(hints), references=tuple(self._references))

    def _replacement(self, found: Found) -> Shown | str | None:
        """What comes instead of a reference; None: it stays."""
        path, braces = found.path, found.braces
        if braces > 3:
            return None
        if not self._names.is_live(path):
            if braces != 2:  # two are a template's own
                self._missed(path.text, path.root)
            return None
        if braces == 2:
            return f"{{{path.text}}}"
        try:
            return shown_value(self._names.read(path), path, self._images)
        except NotRead as exc:
            self._hint(f"`{{{path.text}}}` was left as it is: {exc}.")
            return None

    def _missed(self, text: str, root: str) -> None:
        if root in self._missing or len(self._missing) >= _MAX_MISSING or self._names.knows(root):
            return
        self._missing.add(root)
        if near := self._names.near(root):
            self._hint(
                f"`{{{text}}}` was left as it is: there is no `{root}`; did you mean `{near}`?"
            )

    def _put(self, shown: Shown, name: str) -> None:
        if shown.hint:
            self._hint(f"`{{{name}}}` {shown.hint}.")
        if shown.part is not None:
            self._references.append(Reference(self._at, self._at, name))
            self._pieces.append(shown.part)
            self._tail, self._gap = "", False
            return
        if shown.is_block or self._gap:
            self._gap = False
            self._blank_line(shown.text)
        start = self._at
        self.text(shown.text)
        self._references.append(Reference(start, self._at, name))
        self._gap = shown.is_block

    def _blank_line(self, following: str) -> None:
        """Newlines until an empty line lies between what is there and what follows."""
        if not self._tail:
            return
        there = len(self._tail) - len(self._tail.rstrip("\n"))
        there += len(following[:2]) - len(following[:2].lstrip("\n"))
        self.text("\n" * max(0, 2 - there))

    def _attachment(self, name: str) -> Shown:
        path = parsed(name)
        if path is not None and self._names.is_live(path):
            try:
                return shown_value(self._names.read(path), path, self._images)
            except NotRead as exc:
                raise UsageError(f"-a {name}: {exc}.") from None
        file = Path(name).expanduser()
        if not file.exists():
            raise self._nowhere(name, file)
        if not file.is_file():
            raise UsageError(f"-a {name} is no file.", hint="Name the files in it.")
        return shown_file(file, name, self._images)

    def _nowhere(self, name: str, file: Path) -> UsageError:
        near = self._names.near(name)
        if not near and file.parent.is_dir():
            beside = [each.name for each in file.parent.iterdir()]
            near = next(iter(difflib.get_close_matches(file.name, beside, n=1)), "")
        return UsageError(
            f"-a {name}: there is no such file, and nothing of that name in the notebook.",
            hint=f"Did you mean {near}?"
            if near
            else "Files are looked for from where the kernel runs.",
        )

    def _hint(self, text: str) -> None:
        self._hints[text] = None
