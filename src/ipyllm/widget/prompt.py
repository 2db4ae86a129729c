"""
What was sent, as it was sent: the text, with the stretches that came from names marked.

A long value is folded below its name and size, a picture is said and not shown: it may have
megabytes, and the notebook has it already. The page shows the same HTML as its Prompt view.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ipyllm.sinks.inline import CODE_FONT, QUIET, SHADE, themed
from ipyllm.widget.json_text import shown
from ipyllm.wire.fields import dig

__all__ = ("LONG", "MAX_SHOWN", "Stretch", "prompt_html")

LONG = 400
"""Characters; a longer value is folded."""
MAX_SHOWN = 100_000
"""Characters of one value; of a longer one the beginning is shown, and how much more there is."""

Stretch = tuple[int, int, str]
"""From, to, and the name it came from; from and to are one where there is a picture."""

_TEXT = (
    f"margin:0;{CODE_FONT};font-size:13px;line-height:1.5;white-space:pre-wrap;"
    f"overflow-wrap:anywhere;{themed('color', 'inherit', 'ui-font-color1')}"
)
_VALUE = "padding:0 2px;border-radius:2px;background-color:rgba(33,150,243,.16)"
_FOLDED = f"max-height:24em;margin:2px 0 0;padding:8px 10px;overflow:auto;{SHADE}"
_PICTURE = f"padding:0 6px;border-radius:2px;{SHADE};{QUIET}"
_HINTS = f"margin:6px 0 0;{QUIET};font-size:12px"
_CODE = re.compile(r"`([^`]+)`")


def prompt_html(
    parts: Iterable[Mapping[str, Any]],
    references: Iterable[Stretch] = (),
    hints: Sequence[str] = (),
) -> str:
    """
    HTML of one message.

    * `parts`: its text and pictures in order, in the shape of OpenAI's chat.
    * `references`: places in its text, all parts together, that came from names; in order.
    * `hints`: sentences for below, with Markdown's `code` in them.
    """
    rest = [*references]
    body: list[str] = []
    at = 0
    for part in parts:
        if part["type"] != "text":
            body.append(_picture(part, _name_at(rest, at)))
            continue
        text = str(part["text"])
        here = [each for each in rest if each[0] < each[1] <= at + len(text)]
        rest = [each for each in rest if each not in here]
        body += _pieces(text, [(begin - at, end - at, name) for begin, end, name in here])
        at += len(text)
    return f'<div style="{_TEXT}">{"".join(body)}</div>{_below(hints)}'


def _pieces(text: str, stretches: Iterable[Stretch]) -> Iterator[str]:
    at = 0
    for begin, end, name in stretches:
        yield shown(text[at:begin])
        yield _value(text[begin:end], name)
        at = end
    yield shown(text[at:])


def _value(text: str, name: str) -> str:
    if len(text) <= LONG:
        return f'<span style="{_VALUE}">{shown(text)}</span>'
    cut = len(text) - MAX_SHOWN
    more = f'\n<span style="{QUIET}">… {cut:,} more characters</span>' if cut > 0 else ""
    return (
        f'<details style="margin:2px 0"><summary style="width:fit-content;cursor:pointer">'
        f'<span style="{_VALUE}">{shown(name)}</span>'
        f' <span style="{QUIET}">{len(text):,} characters</span></summary>'
        f'<div style="{_FOLDED}">{shown(text[:MAX_SHOWN])}{more}</div></details>'
    )


def _picture(part: Mapping[str, Any], name: str) -> str:
    said = f"{name}: {_kind(part)}" if name else _kind(part)
    return f'<span style="{_PICTURE}">{shown(said)}</span>'


def _kind(part: Mapping[str, Any]) -> str:
    """`image/png, 12 kB`; the address of one that lies elsewhere."""
    found = part.get(str(part["type"]))
    url = found if isinstance(found, str) else str(dig(found, "url") or "")
    if not url.startswith("data:"):
        return url or str(part["type"])
    mime, _, data = url[5:].partition(";base64,")
    size = len(data) * 3 // 4 - data.count("=", -2)
    return f"{mime}, {f'{size:,} bytes' if size < 1000 else f'{size / 1e3:,.0f} kB'}"


def _name_at(references: list[Stretch], at: int) -> str:
    """The name of the next picture at this place; it is taken out."""
    for index, (begin, end, name) in enumerate(references):
        if begin == end == at:
            del references[index]
            return name
    return ""


def _below(hints: Sequence[str]) -> str:
    if not hints:
        return ""
    return f'<div style="{_HINTS}">{"".join(f"<div>{_hint(hint)}</div>" for hint in hints)}</div>'


def _hint(text: str) -> str:
    code = f'<code style="{CODE_FONT};background-color:transparent">\\1</code>'
    return _CODE.sub(code, shown(text))
