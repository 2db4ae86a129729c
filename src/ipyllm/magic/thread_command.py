"""`%llm threads` and `%llm thread NAME`: what conversations there are, to read, copy, empty and save."""

from __future__ import annotations

import json
import shlex
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipyllm.errors import UsageError
from ipyllm.magic.text_table import text_table
from ipyllm.request import text_of
from ipyllm.run.allowance import about_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipyllm.magic.conversation import Thread, Threads, Turn

__all__ = ("thread_command", "threads_text", "transcript")

_FORM = "ipyllm-thread"
_VERSION = 1
_ENDED = {
    "interrupted": "interrupted",
    "length": "cut at the token limit",
    "budget": "cut by the budget",
    "truncated": "cut off",
    "error": "failed half way",
    "invalid": "does not fit",
    "content_filter": "cut by the content filter",
}


def threads_text(threads: Threads) -> str:
    """A table: name, turns, how many of them are stale, tokens that are sent, who answered last."""
    rows = [("thread", "turns", "stale", "tokens", "last model")]
    rows += [_row(thread) for thread in threads]
    if len(rows) == 1:
        return "There is no thread yet: %%llm -c NAME begins one."
    return text_table(rows)


def thread_command(
    threads: Threads, words: str, say: Callable[[str], object], *, page: bool
) -> Any:
    """
    `NAME`, `NAME fork NEW`, `NAME clear`, `NAME export [FILE.json]`; gives what is exported, `say`s the rest.

    Raises:
        UsageError: no such thread, or none of these.
    """
    match _split(words):
        case [name]:
            _show(threads.find(name), None if page else say)
        case [name, "fork", new]:
            copied = len(threads.fork(name, new).fresh)
            say(f"{new} begins as {name}: {copied} turn{'s' * (copied != 1)}")
        case [name, "clear"]:
            threads.clear(name)
            say(f"{name} is empty")
        case [name, "export"]:
            return threads.find(name).messages
        case [name, "export", file]:
            say(_saved(threads.find(name), file))
        case _:
            raise UsageError(
                f"%llm thread {words.strip()} is not understood.",
                hint="Write %llm thread NAME, then nothing, fork NEW, clear or export [FILE.json].",
            )
    return None


def transcript(thread: Thread) -> str:
    """The conversation as Markdown: who said what, how answers ended, which turns are stale."""
    end = thread.system_at(len(thread.turns))
    head = [f"## Thread {thread.name}", *([f"*System:* {end}"] if end else [])]
    shown = [_turn(number, turn) for number, turn in enumerate(thread.turns, 1)]
    return "\n\n".join([*head, *shown])


def _split(words: str) -> list[str]:
    try:
        return shlex.split(words)
    except ValueError as exc:
        raise UsageError(f"Cannot read {words!r}: {exc}.", hint="Close the quote.") from None


def _row(thread: Thread) -> tuple[str, ...]:
    letters = sum(len(text_of(message)) for message in thread.messages)
    stale = len(thread.turns) - len(thread.fresh)
    counts = (str(len(thread.fresh)), str(stale), f"~{about_tokens(letters):,}")
    return (thread.name, *counts, thread.turns[-1].reply.model)


def _turn(number: int, turn: Turn) -> str:
    asked, *rest = turn.messages
    calls = [call for message in rest for call in message.get("tool_calls") or ()]
    marks = [turn.reply.model, *filter(None, [_ENDED.get(turn.reply.finish_reason)])]
    marks += [f"called {call['function']['name']}" for call in calls]
    marks += ["stale: run its cell again"] * turn.stale
    parts = (text_of(asked), f"**{' · '.join(marks)}**", str(turn.reply))
    said = "\n\n".join(parts)
    return f"### Turn {number}\n\n" + (_struck(said) if turn.stale else said)


def _struck(said: str) -> str:
    """As a quotation: a line through it would have to end and begin again at every block."""
    return "\n".join(f"> {line}".rstrip() for line in said.split("\n"))


def _show(thread: Thread, say: Callable[[str], object] | None) -> None:
    text = transcript(thread)
    if say is not None:
        say(text)
        return
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    from ipyllm.widget.markdown import parser

    # Pages trust a cell's Markdown with raw HTML in it, and a model wrote this: HTML goes first, ours.
    html: str = parser().render(text)
    safe = {"text/html": html, "text/markdown": escape(text, quote=False), "text/plain": text}
    display(safe, raw=True)


def _saved(thread: Thread, file: str) -> str:
    path = Path(file).expanduser()
    form: dict[str, Any] = {"format": _FORM, "version": _VERSION, "name": thread.name}
    form["system"] = thread.system_at(len(thread.turns))
    form["turns"] = [_exported(turn) for turn in thread.turns]
    try:
        path.write_text(json.dumps(form, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as exc:
        why = exc.strerror or type(exc).__name__
        raise UsageError(f"Cannot write {file}: {why}.", hint="Name another file.") from None
    return f"{len(thread.turns)} turn{'s' * (len(thread.turns) != 1)} in {file}"


def _exported(turn: Turn) -> dict[str, Any]:
    usage = turn.reply.usage
    return {
        "cell": turn.owner,
        "stale": turn.stale,
        "model": turn.reply.model,
        "system": turn.arguments.system,
        "finish_reason": turn.reply.finish_reason,
        "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
        "messages": [dict(message) for message in turn.messages],
    }
