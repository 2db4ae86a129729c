"""The magic's command line: what it takes, and one clear line for what it does not."""

from __future__ import annotations

import argparse
import difflib
import json
import keyword
import math
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn

from ipyllm.errors import UsageError
from ipyllm.magic.conversation import MAIN, check_name

__all__ = ("CellArguments", "HelpShown", "parse_cell", "parser", "usage")


@dataclass(frozen=True, slots=True)
class CellArguments:
    """The flags of one `%%llm`, checked. `rivals`: the models after the first, side by side with it."""

    model: str = ""
    output: str = ""
    system: str = ""
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    timeout: float | None = None
    background: bool = False
    raw: bool = False
    base_url: str = ""
    key_env: str = ""
    tools: tuple[str, ...] = ()
    max_rounds: int = 8
    approve: bool = False
    schema: str = ""
    abort: bool = True
    retries: int = 0
    budget: tuple[str, ...] = ()
    thread: str = ""
    attach: tuple[str, ...] = ()
    record: str = ""
    replay: str = ""
    speed: float | None = None
    cache: bool = False
    wire: bool = False
    rivals: tuple[str, ...] = ()


class HelpShown(Exception):
    """`-h`: the text to show instead."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message[:1].upper() + message[1:].rstrip(".") + ".", hint="See %llm help.")

    def print_help(self, file: Any = None) -> NoReturn:
        del file
        raise HelpShown(self.format_help())


def parse_cell(line: str) -> CellArguments:
    """
    Read the line after `%%llm`.

    Raises:
        UsageError: what is wrong, and the nearest right flag.
        HelpShown: `-h` was among them.
    """
    try:
        words = shlex.split(line)
    except ValueError as exc:
        raise UsageError(
            f"Cannot read the line {line!r}: {exc}.", hint="Close the quote."
        ) from None
    flags = parser()
    found, unknown = flags.parse_known_args(words)
    if unknown:
        raise UsageError(f"{unknown[0]!r} is not understood.", hint=_nearest(unknown[0], flags))
    if found.output and (not found.output.isidentifier() or keyword.iskeyword(found.output)):
        raise UsageError(
            f"-o {found.output!r} is no variable name.", hint="Use letters, digits and _."
        )
    if found.timeout is not None and not found.timeout > 0:
        raise UsageError("--timeout takes seconds, more than 0.")
    if found.thread:
        check_name(found.thread)
    _refuse_what_is_alone(found)
    return CellArguments(
        model=found.model[0] if found.model else "",
        rivals=tuple(found.model[1:]),
        output=found.output,
        system=found.system,
        params=dict(_param(text) for text in found.param),
        timeout=found.timeout,
        background=found.bg,
        raw=found.raw,
        base_url=found.base_url,
        key_env=found.key_env,
        tools=tuple(found.tool),
        max_rounds=found.max_rounds,
        approve=found.approve,
        schema=found.schema,
        abort=not found.no_abort,
        retries=found.retries,
        budget=tuple(found.budget),
        thread=found.thread,
        attach=tuple(found.attach),
        record=found.record,
        replay=found.replay,
        speed=found.speed,
        cache=found.cache,
        wire=found.wire,
    )


def _refuse_what_is_alone(found: argparse.Namespace) -> None:
    if len(found.model) > 1 and found.thread:
        raise UsageError("A thread goes on with one answer: -c takes one -m.", hint="Leave -c out.")
    if len(found.model) > 1 and (found.base_url or found.key_env):
        flag = "--base-url" if found.base_url else "--key-env"
        raise UsageError(f"{flag} is for one -m.", hint="Register the endpoint under a name.")
    if found.approve and not found.tool:
        raise UsageError(
            "--approve asks before calls, and there are no tools.", hint="Add -T NAME."
        )
    if (found.retries or found.no_abort) and not found.schema:
        flag = "--retries" if found.retries else "--no-abort"
        raise UsageError(f"{flag} belongs to --schema.", hint="Add --schema NAME.")
    if found.retries < 0 or found.max_rounds < 1:
        raise UsageError("--retries takes 0 or more, --max-rounds 1 or more.")


def usage() -> str:
    """The help text."""
    return parser().format_help()


@cache
def parser() -> argparse.ArgumentParser:
    """All flags of `%%llm`; made once: 1.4 ms."""
    made = _Parser(
        prog="%%llm",
        description="Stream a model's answer to this cell's text. The last answer is always in _llm.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add(
        "-m",
        "--model",
        action="append",
        default=[],
        metavar="PROVIDER/MODEL",
        help="who answers; else `%%llm model`, IPYLLM_MODEL, local; several times: side by side",
    )
    add("-o", "--output", default="", metavar="NAME", help="variable for the answer")
    add("-s", "--system", default="", metavar="TEXT", help="system prompt")
    add(
        "-c",
        "--continue",
        dest="thread",
        nargs="?",
        const=MAIN,
        default="",
        metavar="THREAD",
        help=f"go on with a conversation ({MAIN}); `%%llm threads` lists them",
    )
    add(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="parameter for the API, such as temperature=0; VALUE is JSON, else text",
    )
    add(
        "-a",
        "--attach",
        action="append",
        default=[],
        metavar="FILE",
        help="file, or name of the notebook, to send after the text; several times for several",
    )
    add("--timeout", type=float, metavar="S", help="seconds for the whole answer")
    add("--bg", action="store_true", help="go on with other cells meanwhile")
    add("--raw", action="store_true", help="send the text as it is, with {name} unreplaced")
    add(
        "--base-url",
        default="",
        metavar="URL",
        help="another address that speaks the provider's API",
    )
    add(
        "-T",
        "--tool",
        action="append",
        default=[],
        metavar="NAME",
        help="function of the notebook the model may call; several times for several",
    )
    add("--max-rounds", type=int, default=8, metavar="N", help="requests at most (8)")
    add("--approve", action="store_true", help="ask before each call")
    add(
        "--schema",
        default="",
        metavar="TYPE",
        help="answer with a value of this type: Person, list[str], a JSON Schema dict",
    )
    add("--retries", type=int, default=0, metavar="N", help="ask again if it does not fit")
    add("--no-abort", action="store_true", help="let an answer that cannot fit go on")
    add(
        "--budget",
        action="append",
        default=[],
        metavar="AMOUNT",
        help="stop when this is spent: 500tok, 10s, 0.02usd; several times for several",
    )
    _add_recording(add)
    add("--key-env", default="", metavar="VAR", help="environment variable that holds the key")
    return made


def _add_recording(add: Callable[..., object]) -> None:
    add(
        "--record",
        default="",
        metavar="FILE",
        help="add what comes, with its times, to this cassette",
    )
    add(
        "--replay",
        default="",
        metavar="FILE",
        help="answer from this cassette, never from the network",
    )
    add("--speed", type=float, metavar="X", help="of --replay: 1 as recorded, 0 at once")
    add(
        "--cache",
        action="store_true",
        help="keep the answer; the same request gets it again at once",
    )
    add("--wire", action="store_true", help="keep what is on the wire for `%%llm wire`")


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"-p {text!r} is not KEY=VALUE.", hint="Write -p temperature=0.")
    try:
        read = json.loads(value, parse_constant=_no_constant)
    except ValueError:
        read = value
        if value.startswith(("[", "{")):
            quoted = f"Quote it: -p '{name}=[\"a\", 1]'."
            raise UsageError(f"-p {text!r} is no JSON.", hint=quoted) from None
    if isinstance(read, float) and not math.isfinite(read):
        raise UsageError(f"-p {text!r} is too large a number.")
    return name, read


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON; as text they may be meant


def _nearest(word: str, known: argparse.ArgumentParser) -> str:
    flags = list(known._option_string_actions)  # noqa: SLF001 - argparse has no public list
    flag = word.partition("=")[0]
    near = difflib.get_close_matches(flag, flags, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]}?"
    if not word.startswith("-"):
        return "The prompt goes below the %%llm line; quote values that have spaces."
    return f"Known: {' '.join(flags)}."
