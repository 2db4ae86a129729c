"""A prompt as it is sent, and which stretch of it came from which name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ("Prompt", "Reference")


class Reference(NamedTuple):
    """`text[start:end]` of a prompt came from `name`; a picture from it stands at `start`, which is `end`."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    What is sent for a cell.

    * `text`: all of its text; pictures take no place in it.
    * `parts`: text and pictures in order, in the shape of OpenAI's chat.
    * `hints`: sentences for the user, in Markdown: what was left as it is, cut or long.
    * `references`: the stretches of `text` that came from names, in order.
    """

    text: str
    parts: tuple[Mapping[str, Any], ...]
    hints: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def content(self) -> str | list[dict[str, Any]]:
        """For a message: plain text where there is no picture, for APIs that take nothing else."""
        if all(part["type"] == "text" for part in self.parts):
            return self.text
        return [dict(part) for part in self.parts]

    def preview(self) -> str:
        """HTML of exactly what is sent, with long values folded."""
        from ipyllm.widget.prompt import prompt_html

        return prompt_html(self.parts, self.references, self.hints)

    @classmethod
    def of(cls, pieces: Iterable[str | Mapping[str, Any]], **more: Any) -> Prompt:
        """The prompt of texts and pictures in order; texts beside each other are one part."""
        parts: list[dict[str, Any]] = []
        run: list[str] = []
        whole: list[str] = []
        for piece in [*pieces, None]:
            if isinstance(piece, str):
                run.append(piece)
                continue
            if text := "".join(run):
                parts.append({"type": "text", "text": text})
                whole.append(text)
            run = []
            if piece is not None:
                parts.append(dict(piece))
        return cls("".join(whole), tuple(parts), **more)
