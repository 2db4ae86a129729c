"""
Markdown to HTML for the static output, block by block while the answer still streams.

A block is done once a later one begins on a complete line; done blocks are rendered then,
so that the end of a long answer costs no more than its last block.

Safe by construction: raw HTML is text, links lead to http, https and mailto only, images
are links (an image's address, written by a model, is a way to send data out).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from ipyllm.widget.code import coloured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

__all__ = ("BlockRenderer", "parser")

_WINDOW = 8192  # characters that gather before blocks are looked for
# Without a scheme it is relative, or an anchor; both stay on the page's own site.
_SAFE = re.compile(r"https?:|mailto:|[^:/?#]*(?:[/?#]|\Z)", re.IGNORECASE)
_BRACKETS = (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"))
_SPACE = (" ", "\n", "\t")
_DEFINITION = re.compile(r"^[ \t>\-*+\d.)]*\[(?:[^\[\]\\]|\\.){1,999}\]:", re.MULTILINE | re.DOTALL)
_NEWLINE = re.compile(r"\r\n|\r(?!\Z)")  # a CR at the end may be half a CRLF


def parser() -> MarkdownIt:
    """CommonMark, tables, strikethrough and formulas; the front end's preset is the same."""
    md = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    md.validateLink = _is_safe
    md.inline.ruler.before("escape", "math", _formula)
    alt = ["paragraph", "reference", "blockquote", "list"]
    md.block.ruler.before("fence", "math", _display, {"alt": alt})
    md.add_render_rule("fence", _fence)
    md.add_render_rule("image", _image)
    md.add_render_rule("link_open", _link_open)
    return md


class BlockRenderer:
    """`feed` text as it comes, then `html()`."""

    __slots__ = ("_done", "_md", "_pieces", "_size", "_text", "_threshold", "_window")

    def __init__(self, window: int = _WINDOW) -> None:
        self._md = parser()
        # HTML and source of the blocks that are final. As bytes: one emoji makes a text four
        # bytes a letter, and HTML is three times its source.
        self._done: list[bytes] = []
        self._text: list[bytes] = []
        self._pieces: list[str] = []  # source after them
        self._size = 0
        self._window = self._threshold = window

    def feed(self, text: str) -> None:
        """More of the answer."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= self._threshold:
            self._commit()

    def html(self) -> str:
        """All of it."""
        return "".join(self.pieces())

    def pieces(self) -> list[str]:
        """All of it, to be joined."""
        tail = "".join(self._pieces)
        if self._done:
            source = b"".join(self._text).decode() + tail
            if _DEFINITION.search(source):
                # A link's definition may stand anywhere, and counts for the blocks before it.
                return [self._render(source)]
        return [*(html.decode() for html in self._done), self._render(tail)]

    def _render(self, source: str) -> str:
        html: str = self._md.render(source)
        return html

    def _commit(self) -> None:
        source = "".join(self._pieces)
        if "\r" in source:
            source = _NEWLINE.sub("\n", source)  # as the parser does, whose lines the cut counts
        whole = source[: source.rfind("\n") + 1]  # never decide on a line that may still grow
        tokens = self._md.parse(whole)
        starts = [i for i, token in enumerate(tokens) if not token.level and token.nesting >= 0]
        if len(starts) > 1:
            last = starts[-1]
            cut = _offset(whole, max(token.map[1] for token in tokens[:last] if token.map))
            html: str = self._md.renderer.render(tokens[:last], self._md.options, {})
            self._done.append(html.encode())
            self._text.append(source[:cut].encode())
            source = source[cut:]
        self._pieces = [source]
        self._size = len(source)
        # An open block of any length is looked at again only after it has doubled: linear.
        self._threshold = max(self._window, 2 * self._size)


def _offset(source: str, line: int) -> int:
    at = 0
    for _ in range(line):
        at = source.find("\n", at) + 1
        if not at:
            return len(source)
    return at


def _is_safe(url: str) -> bool:
    return _SAFE.match(url.strip()) is not None


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it's interface
    """Formulas stay text, delimiters and all: JupyterLab typesets them."""
    if state.src[state.pos] not in "$\\":
        return False
    end = _bracketed(state.src, state.pos, state.posMax)
    end = end or _dollars(state.src, state.pos, state.posMax)
    if not end:
        return False
    if not silent:
        state.push("text", "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _bracketed(source: str, start: int, stop: int) -> int:
    for opening, closing in _BRACKETS:
        if not source.startswith(opening, start):
            continue
        at = source.find(closing, start + 2)
        # `\\(\\)` and the like are escapes, not formulas.
        found = at >= 0 and at + 2 <= stop and any(map(str.isalnum, source[start + 2 : at]))
        return at + 2 if found else 0
    return 0


def _dollars(source: str, start: int, stop: int) -> int:
    """As pandoc has it, so that "$5 and $6" stays prices: none spaced inside, no digit after."""
    if source[start] != "$" or source[start + 1 : start + 2] in ("", "$", *_SPACE):
        return 0
    at = start + 1
    while at < stop:
        if source[at] == "\\":
            at += 1
        elif source[at] == "$":
            after = source[at + 1 : at + 2]
            closes = source[at - 1] not in _SPACE and not "0" <= after <= "9"
            return at + 1 if closes else 0
        at += 1
    return 0


def _display(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    r"""
    `$$` or `\[` alone in a line: up to the line that ends it, else to a blank one.

    Its lines start with `+`, `-`, `=`, `>`, which would be lists, headings and quotes.
    """
    opening = _line(state, start)
    if state.is_code_block(start) or opening not in ("$$", "\\["):
        return False
    if silent:
        return True
    closing = "$$" if opening == "$$" else "\\]"
    after = start + 1
    while after < end and not state.isEmpty(after) and state.sCount[after] >= state.blkIndent:
        after += 1
        if _line(state, after - 1).endswith(closing):
            break
    state.line = after
    state.push("paragraph_open", "p", 1).map = [start, after]
    inline = state.push("inline", "", 0)
    inline.content = state.getLines(start, after, state.blkIndent, False).strip()  # noqa: FBT003 - as above
    inline.map = [start, after]
    inline.children = []
    state.push("paragraph_close", "p", -1)
    return True


def _line(state: StateBlock, at: int) -> str:
    return state.src[state.bMarks[at] + state.tShift[at] : state.eMarks[at]].rstrip()


def _fence(md: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    html_of_code = coloured(token.content, language) if language else None
    if html_of_code is None:
        html: str = md.fence(tokens, index, options, env)
        return html
    return f'<pre><code class="language-{_escape(language)}">{html_of_code}</code></pre>\n'


def _link_open(
    _md: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    del options, env
    token = tokens[index]
    token.attrSet("rel", "noopener noreferrer")
    token.attrSet("target", "_blank")
    attrs = "".join(f' {name}="{_escape(str(value))}"' for name, value in token.attrs.items())
    return f"<a{attrs}>"


def _image(
    _md: Any, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    del options, env
    token = tokens[index]
    address = _escape(str(token.attrs.get("src", "")))
    alt = _escape("".join(child.content for child in token.children or ()) or "image")
    link = f'<a href="{address}" rel="noopener noreferrer" target="_blank">'
    return f"{link}\N{FRAME WITH PICTURE} {alt}</a> ({address})"


def _escape(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
