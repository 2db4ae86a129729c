"""
Colours for saved code: comments, strings, numbers, keywords and what is being defined.

A scanner of our own, because Pygments costs 70 ms of CPU once per kernel and language, as much as 100
tokens of an answer; what a reader sees of it is this. The live view colours with Prism.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from ipyllm.sinks.inline import themed

__all__ = ("coloured",)

_LONGEST = 20_000  # characters; longer code stays plain

_HASH, _SLASHES, _DASHES = r"\#[^\n]*", r"//[^\n]*|/\*.*?(?:\*/|\Z)", r"--[^\n]*|/\*.*?(?:\*/|\Z)"
_QUOTED = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
# One letter between single quotes: Rust's lifetimes have no second one.
_LETTERS = r"'(?:\\[^\n']{1,9}|[^'\\\n])'|\"(?:\\.|[^\"\\\n])*\""
_TRIPLE = r"(?:'''.*?(?:'''|\Z)|\"\"\".*?(?:\"\"\"|\Z))"
_NUMBER = r"\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b"
_PYTHON = (
    "False None True and as assert async await break case class continue def del elif else except "
    "finally for from global if import in is lambda match nonlocal not or pass raise return try "
    "while with yield"
)
_SCRIPT = (
    "abstract any as async await boolean break case catch class const continue declare default "
    "delete do else enum export extends false finally for from function if implements import in "
    "instanceof interface let new null number of private protected public readonly return static "
    "string super switch this throw true try type typeof undefined var void while with yield"
)
_SYSTEM = (
    "auto bool break case char class const constexpr continue crate default defer delete do double "
    "else enum extern false final float fn for func go goto if impl import include inline int "
    "interface let long loop map match mod mut namespace new nil null nullptr override package "
    "private protected pub public range return self short signed sizeof static string struct "
    "switch template this throw trait true try typedef union unsigned use using var virtual void "
    "volatile where while"
)
_SHELL = (
    "case do done elif else esac export fi for function if in local return set source then unset "
    "until while"
)
_SQL = (
    "add all alter and as asc between by case create delete desc distinct drop else end exists "
    "from full group having in index inner insert into is join left like limit not null on or "
    "order outer primary key references right select set table then union update values view "
    "when where with"
)
_LITERALS = "false null true"
# Comment, strings, keywords. None for the first: the language has none.
_FAMILIES: dict[str, tuple[str | None, str, str]] = {
    "python": (_HASH, rf"[rbfuRBFU]{{0,2}}(?:{_TRIPLE}|{_QUOTED})", _PYTHON),
    "script": (_SLASHES, rf"`(?:\\.|[^`\\])*`|{_QUOTED}", _SCRIPT),
    "system": (_SLASHES, _LETTERS, _SYSTEM),
    "shell": (_HASH, _QUOTED, _SHELL),
    "sql": (_DASHES, _QUOTED, f"{_SQL} {_SQL.upper()}"),
    "json": (None, _QUOTED, _LITERALS),
    "yaml": (_HASH, _QUOTED, _LITERALS),
}
_LANGUAGES = {
    **dict.fromkeys(("py", "py3", "python", "python3", "ipython"), "python"),
    **dict.fromkeys(("js", "javascript", "jsx", "ts", "tsx", "typescript"), "script"),
    **dict.fromkeys(("c", "h", "c++", "cc", "cpp", "cs", "csharp", "go", "golang"), "system"),
    **dict.fromkeys(("java", "kotlin", "php", "rs", "rust", "scala", "swift"), "system"),
    **dict.fromkeys(("bash", "console", "sh", "shell", "zsh"), "shell"),
    **dict.fromkeys(("ini", "toml", "yaml", "yml"), "yaml"),
    **dict.fromkeys(("json", "jsonc"), "json"),
    "sql": "sql",
}
_DEFINES = frozenset(
    ("class", "def", "enum", "fn", "func", "function", "interface", "struct", "trait")
)
_CONSTANTS = frozenset(
    ("False", "None", "True", "false", "nil", "null", "nullptr", "true", "undefined")
)
# JupyterLab's name of a colour, and our value where it has none; as the live view's.
_COLOURS = {
    "comment": ("comment", "#6e7781"),
    "string": ("string", "#b3261e"),
    "number": ("number", "#8250df"),
    "keyword": ("keyword", "#1a7f37"),
    "def": ("def", "#0550ae"),
    "mark": ("meta", "#9a6700"),
}


def coloured(code: str, language: str) -> str | None:
    """The code as HTML with inline styles; None for what stays plain."""
    family = _LANGUAGES.get(language.lower())
    if family is None or len(code) > _LONGEST:
        return None
    pattern, keywords = _scanner(family)
    out: list[str] = []
    at, defines = 0, False
    for found in pattern.finditer(code):
        kind, text = str(found.lastgroup), found[0]
        if kind == "word":
            kind = _word(text, keywords, defines=defines)
            defines = kind == "keyword" and text in _DEFINES
        if kind:
            out += (_escape(code[at : found.start()]), _span(kind, text))
            at = found.end()
    return "".join((*out, _escape(code[at:])))


def _word(text: str, keywords: frozenset[str], *, defines: bool) -> str:
    if text in keywords:
        return "number" if text in _CONSTANTS else "keyword"
    return "def" if defines else ""


@lru_cache
def _scanner(family: str) -> tuple[re.Pattern[str], frozenset[str]]:
    comment, string, keywords = _FAMILIES[family]
    kinds = {"string": string, "mark": r"@[\w.]+", "number": _NUMBER, "word": r"[^\W\d]\w*"}
    if comment is not None:
        kinds = {"comment": comment, **kinds}
    pattern = "|".join(f"(?P<{kind}>{words})" for kind, words in kinds.items())
    return re.compile(pattern, re.DOTALL), frozenset(keywords.split())


@lru_cache
def _style(kind: str) -> str:
    name, value = _COLOURS[kind]
    return themed("color", value, f"mirror-editor-{name}-color")


def _span(kind: str, text: str) -> str:
    return f'<span style="{_style(kind)}">{_escape(text)}</span>'


def _escape(text: str) -> str:
    return escape(text, quote=False)
