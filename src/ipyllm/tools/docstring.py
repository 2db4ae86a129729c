"""
What a docstring says about a function, and about each of its parameters.

Three styles are read: Google's sections (`Args:`), NumPy's underlined ones, Sphinx's fields.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ("Docstring", "read_docstring")

_ARGUMENTS = frozenset(
    (
        *("args", "arguments", "parameters", "params", "other parameters", "other arguments"),
        *("keyword args", "keyword arguments"),
    )
)
_OTHERS = frozenset(
    (
        *("attributes", "example", "examples", "note", "notes", "raises", "references", "return"),
        *("returns", "see also", "todo", "warning", "warnings", "warns", "yield", "yields"),
    )
)
_FIELD = re.compile(r":(\w+)((?:\s+[^:\n]*)?):(?:\s+|$)(.*)")
_PARAM_FIELDS = frozenset(("param", "parameter", "arg", "argument", "key", "keyword"))
_FIELDS = _PARAM_FIELDS | frozenset(
    (
        *("type", "raises", "raise", "except", "exception", "return", "returns", "rtype"),
        *("yield", "yields", "ytype", "var", "ivar", "cvar", "vartype", "meta"),
    )
)
_GOOGLE = re.compile(r"(\*{0,2}\w+)\s*(?:\([^\n]*?\))?\s*:(?:\s+|$)(.*)")
_NUMPY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


@dataclass(frozen=True, slots=True)
class Docstring:
    """
    A docstring, taken apart.

    * `text`: summary and description, without the sections.
    * `parameters`: name -> what is said of it, in one line; only those of which something is.
    """

    text: str
    parameters: dict[str, str]


def read_docstring(raw: str | None) -> Docstring:
    lines = inspect.cleandoc(raw or "").splitlines()
    text: list[str] = []
    said: dict[str, str] = {}
    at = 0
    while at < len(lines):
        if (name := _underlined(lines, at)) is not None:
            end = _until(lines, at + 2, numpy=True)
            if name in _ARGUMENTS:
                said |= _entries(lines[at + 2 : end], _NUMPY)
            at = end
        elif (name := _heading(lines, at)) is not None:
            end = _block_end(lines, at)
            if name in _ARGUMENTS:
                said |= _entries(lines[at + 1 : end], _GOOGLE)
            at = end
        elif (field := _field(lines[at])) is not None:
            end = _field_end(lines, at)
            said |= _param(field, lines[at + 1 : end])
            at = end
        else:
            text.append(lines[at])
            at += 1
    return Docstring(_paragraphs(text), {name: each for name, each in said.items() if each})


def _underlined(lines: list[str], at: int) -> str | None:
    name = lines[at].strip().rstrip(":").lower()
    below = lines[at + 1].strip() if at + 1 < len(lines) else ""
    known = name in _ARGUMENTS or name in _OTHERS
    return name if known and len(below) >= 3 and set(below) <= {"-", "="} else None


def _heading(lines: list[str], at: int) -> str | None:
    line = lines[at].strip()
    name = line[:-1].lower() if line.endswith(":") else ""
    if name not in _ARGUMENTS and name not in _OTHERS:
        return None
    below = next((each for each in lines[at + 1 :] if each.strip()), "")
    return name if _indent(below) > _indent(lines[at]) or name in _ARGUMENTS else None


def _until(lines: list[str], at: int, *, numpy: bool) -> int:
    while at < len(lines):
        if _underlined(lines, at) or (not numpy and _heading(lines, at)):
            break
        at += 1
    return at


def _block_end(lines: list[str], at: int) -> int:
    """Of a Google section: the first line that is indented no deeper than its heading."""
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(lines[at])):
        end += 1
    if any(each.strip() for each in lines[at + 1 : end]):
        return end
    # Written without indentation: up to a blank line.
    while end < len(lines) and lines[end].strip() and not _heading(lines, end):
        end += 1
    return end


def _field(line: str) -> tuple[str, str, str] | None:
    found = _FIELD.match(line.strip())
    if found is None or found[1] not in _FIELDS:
        return None
    return found[1], found[2].strip(), found[3]


def _field_end(lines: list[str], at: int) -> int:
    end = at + 1
    while end < len(lines) and lines[end].strip() and _field(lines[end]) is None:
        end += 1
    return end


def _param(field: tuple[str, str, str], more: list[str]) -> dict[str, str]:
    kind, words, text = field
    if kind not in _PARAM_FIELDS or not words:
        return {}
    return {words.split()[-1].lstrip("*\\"): _one_line([text, *more])}


def _entries(lines: list[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """The parameters of a section: those that begin at its first line's depth."""
    said: dict[str, str] = {}
    for names, text in _split(lines, pattern):
        for name in names.split(","):
            said[name.strip().lstrip("*")] = _one_line(text)
    return said


def _split(lines: list[str], pattern: re.Pattern[str]) -> Iterator[tuple[str, list[str]]]:
    depth = next((_indent(each) for each in lines if each.strip()), 0)
    names, text = "", list[str]()
    for line in lines:
        found = pattern.match(line.strip()) if _indent(line) <= depth else None
        if found is None:
            text.append(line)
            continue
        if names:
            yield names, text
        names, text = found[1], [found[2]] if pattern is _GOOGLE else []
    if names:
        yield names, text


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _paragraphs(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(each.rstrip() for each in lines)).strip()
