"""
Tokens to a terminal as they come; one line of numbers after them.

Where rich is installed each block of the answer is written once more, rendered, when it is whole.
Not by rich's own `Live`, which draws all of it anew for each batch: what is higher than the screen
it cuts while it grows, and at the end leaves it twice in what has scrolled away.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TextIO

from ipyllm.sinks.asking import ask_on_stdin
from ipyllm.sinks.rewriting import Rewriting, renderer_for

if TYPE_CHECKING:
    from ipyllm.events import ToolResult
    from ipyllm.run.batch import Batch
    from ipyllm.run.metrics import Timing
    from ipyllm.run.pump import Run
    from ipyllm.run.reply import Reply

__all__ = ("TerminalSink",)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_SPOKEN = ("text", "value", "refusal")  # what is not said aside
_MARKDOWN = ("text", "refusal")
_SHORT = 200  # characters of a result


class TerminalSink:
    """
    Writes the answer as it is; reasoning and numbers dimmed where the terminal can.

    * `background`: beside a prompt that waits for the next cell, where nobody knows where the cursor is.
    """

    def __init__(self, out: TextIO | None = None, *, background: bool = False) -> None:
        self._out = out or sys.stdout
        self._colour = self._out.isatty()
        self._channel = "text"
        self._wrote = False
        self._background = background
        self._blocks: Rewriting | None = None

    def open(self, _run: Run) -> None:
        """Nothing to show before the first token."""
        render = renderer_for(self._out)
        if render is not None and not self._background:
            self._blocks = Rewriting(self._out, render)

    def emit(self, batch: Batch) -> None:
        """Write and flush: 25 times a second at most."""
        for channel, text in batch.pieces:
            if channel == "turn":
                continue
            first = channel != self._channel
            self._switch(channel)
            if channel.startswith("tool:") and first:
                text = text.replace("\n", " ", 1)  # noqa: PLW2901 - name and arguments on one line
            self._write(text)
        for result in batch.results:
            self._result(result)
        self._out.flush()

    def ask(self, run: Run, _index: int, question: str) -> bool | None:
        """Ask on the terminal."""
        if self._blocks is not None:
            self._blocks.end()
        self._switch("text")
        return ask_on_stdin(run, question)

    def settle(self, reply: Reply, note: str) -> None:
        """End the line; say how it went."""
        if self._blocks is not None:
            # The terminal's own ^C stands in what was written last.
            self._blocks.end(rewrite=reply.finish_reason != "interrupted")
        self._switch("text")
        said = " · ".join(filter(None, [reply.model, *_numbers(reply.timing), note]))
        start = "\n" if reply and not reply.endswith("\n") else ""
        self._out.write(start + self._dimmed(f"[{said}]") + "\n")
        self._out.flush()

    def _switch(self, channel: str) -> None:
        if channel == self._channel:
            return
        if self._blocks is not None and channel not in _MARKDOWN:
            self._blocks.end()
        if channel == "value":  # what follows it would not begin a line
            self._blocks = None
        if self._channel not in _SPOKEN:
            self._out.write((_PLAIN if self._colour else "") + "\n\n")
        elif self._wrote and channel not in _SPOKEN:
            self._out.write("\n\n")
        if channel not in _SPOKEN and self._colour:
            self._out.write(_DIM)
        if channel.startswith("tool:"):
            self._out.write("\N{RIGHTWARDS ARROW} ")
        self._channel = channel

    def _result(self, result: ToolResult) -> None:
        if result.state in ("asking", "running"):
            return
        said = " ".join(result.text.split()) or result.state
        short = said if len(said) <= _SHORT else said[:_SHORT] + "\N{HORIZONTAL ELLIPSIS}"
        took = f" ({1e3 * result.seconds:.0f} ms)" if result.seconds else ""
        self._switch("result")
        self._write(f"\N{LEFTWARDS ARROW} {short}{took}")

    def _write(self, text: str) -> None:
        # A model's escape sequences would be the terminal's commands.
        safe = _CONTROL.sub("", text) if self._colour else text
        if self._blocks is not None and self._channel in _MARKDOWN:
            self._blocks.feed(safe)
        else:
            self._out.write(safe)
        self._wrote = True

    def _dimmed(self, text: str) -> str:
        return f"{_DIM}{text}{_PLAIN}" if self._colour else text


def _numbers(timing: Timing) -> list[str]:
    about = "~" if timing.estimated else ""
    out: list[str] = []
    if timing.ttft is not None:
        out.append(f"first token {1e3 * timing.ttft:.0f} ms")
    if timing.decode_rate is not None:
        out.append(f"{about}{timing.decode_rate:.0f} tok/s")
    if timing.tokens:
        out.append(f"{about}{timing.tokens} tok")
    return out
