"""
Code in Markdown, where nothing is a call: spans to the end of their line, fences to theirs.

A fence whose info is one of a few and whose content begins like a call may be one after all
(`fenced`): it is held until that is sure.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from ipyllm.structured.text_calls.ends import Ends
from ipyllm.structured.text_calls.json_call import read_calls
from ipyllm.structured.text_calls.out import Out
from ipyllm.structured.text_calls.tape import Tape, Wait

__all__ = ("code",)

_CALL_INFO = ("", "json", "tool_call", "tool_calls", "tool", "function_call")
_RUN = {"`": re.compile("`+"), "~": re.compile("~+")}
_STOP = {"`": re.compile("[`\n]"), "~": re.compile("\n")}
_GAP = re.compile(r"[ \t]+")
_INFO = re.compile(r"[\w\-]+")
_BETWEEN = re.compile(r"[\s,;\]]+")
_ENDS = Ends("\n```")
# What may stand before a fence: white space, a quotation's marks, an item's.
_BEGIN = re.compile(r"[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)?")


def code(tape: Tape, out: Out, tools: Collection[str]) -> Wait[None]:
    """Read on from a backtick or a tilde; `tools`: calls that may be in a fence, none for no call."""
    char = yield from tape.peek()
    escaped = out.last == "\\"
    begins = _BEGIN.fullmatch(out.line)
    tape.record = []
    run = yield from tape.run(_RUN[char], 1024)
    if len(run) >= 3 and begins and not escaped:
        yield from _fence(tape, out, run, tools if char == "`" else ())
        return
    out.say(tape.recorded())
    if char == "`" and not escaped:
        yield from _span(tape, out, run)


def _span(tape: Tape, out: Out, opening: str) -> Wait[None]:
    """Pass on to the run of the same length, or before the line break."""
    while (yield from _pass_to(tape, out, _STOP["`"])) and tape.text[tape.at] == "`":
        run = yield from tape.run(_RUN["`"], 1024)
        out.say(run)
        if len(run) == len(opening):
            return


def _pass_to(tape: Tape, out: Out, stop: re.Pattern[str]) -> Wait[bool]:
    while (hit := stop.search(tape.text, tape.at)) is None:
        out.say(tape.take(len(tape.text)))
        if not (yield from tape.grow()):
            return False
    out.say(tape.take(hit.start()))
    return True


def _fence(tape: Tape, out: Out, opening: str, tools: Collection[str]) -> Wait[None]:
    yield from tape.run(_GAP, 32)
    info = yield from tape.run(_INFO, 32)
    yield from tape.run(_GAP, 32)
    if tools and info.lower() in _CALL_INFO and (yield from tape.peek()) in ("\n", "\r"):
        yield from tape.space()
        if (yield from read_calls(tape, out, _ENDS, tools)):
            yield from _rest(tape, out, opening, tools)
            return
        out.say(tape.recorded())
        yield from _body(tape, out, opening)
        return
    out.say(tape.recorded())
    if not (yield from _pass_to(tape, out, _STOP[opening[0]])):
        return
    if tape.text[tape.at] == "`":  # no fence has one in its info: it is a span
        yield from _span(tape, out, opening)
    else:
        out.say(tape.skip(1))
        yield from _body(tape, out, opening)


def _body(tape: Tape, out: Out, opening: str) -> Wait[None]:
    """Pass on to the end of the closing line."""
    closing = re.compile(rf"[ \t>]*{opening}+[ \t\r]*")
    while (yield from _pass_to(tape, out, _STOP["~"])):
        over = closing.fullmatch(out.line)
        out.say(tape.skip(1))
        if over:
            return


def _rest(tape: Tape, out: Out, opening: str, tools: Collection[str]) -> Wait[None]:
    """What follows a call in its fence: more calls, and the closing line, which is dropped."""
    while True:
        tape.record = []
        yield from tape.run(_BETWEEN, 1024)
        if (yield from tape.literal(opening)):
            tape.record = None
            yield from tape.run(_RUN["`"], 1024)
            yield from tape.run(_GAP, 1024)
            return
        if not (yield from read_calls(tape, out, _ENDS, tools)):
            break
    out.say(tape.recorded())
    yield from _body(tape, out, opening)
