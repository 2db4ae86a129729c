"""What can stand on the magics' lines: flags and their values, commands and their arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipyllm.magic import arguments
from ipyllm.magic.complete_choice import Choice, Choices, chosen
from ipyllm.magic.complete_files import files
from ipyllm.magic.complete_names import (
    functions,
    references_in,
    streams_in,
    types_in,
    variables_in,
)
from ipyllm.magic.complete_place import words_of
from ipyllm.magic.conversation import MAIN
from ipyllm.providers import PROVIDERS
from ipyllm.providers.aliases import aliases

if TYPE_CHECKING:
    from ipyllm.magic.complete_models import Models
    from ipyllm.magic.conversation import Threads
    from ipyllm.magic.reading import Names

__all__ = ("Known", "in_command", "on_line")

# What most services take; any other goes through as well.
_PARAMS = {
    "temperature": "0: the likeliest token",
    "max_tokens": "of the answer at most",
    "top_p": "share of likely tokens",
    "top_k": "likely tokens",
    "seed": "for the same answer again",
    "stop": "where to end",
    "frequency_penalty": "against repetition",
    "presence_penalty": "for new words",
    "reasoning_effort": "low, medium, high",
}
_VERBS = {
    "fork": "copy its fresh turns to NEW",
    "clear": "begin anew",
    "export": "its messages; [FILE.json]",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What Tab chooses among."""

    names: Names
    threads: Threads
    models: Models


def on_line(before: str, known: Known) -> Choices:
    """After `%%llm`: a flag, or what belongs to the last one."""
    words, last = words_of(before)
    flags = _flags()
    flag = flags.get(words[-1]) if words else None
    if flag is not None and _takes_value(flag) and not (flag.nargs and last[:1] == "-"):
        return _value(flag.dest, last, known)
    name, equals, value = last.partition("=")
    if equals and name in flags and _takes_value(flags[name]):
        return _value(flags[name].dest, value, known)
    return chosen(last, _unused(flags, words))


def in_command(before: str, known: Known, commands: Mapping[str, str]) -> Choices:
    """After `%llm`: a command, or what it is about."""
    words, last = words_of(before)
    match words:
        case []:
            return chosen(last, _described(commands))
        case ["model"]:
            return _value("model", last, known)
        case ["alias"]:
            return chosen(last, _described(aliases()))
        case ["alias", _]:
            off, found = chosen(last, [Choice("off", "take it back")]), _model(last, known)
            return Choices(last, (*found.choices, *off.choices))
        case ["show" | "prompt"]:
            return variables_in(last, known.names)
        case ["models"]:
            return known.models.providers(last)
        case ["continue"] | ["thread"]:
            return chosen(last, _threads(known.threads))
        case ["thread", _]:
            return chosen(last, _described(_VERBS))
        case ["thread", _, "export"]:
            return files(last)
        case ["cache"]:
            return chosen(last, [Choice("clear", "delete what is kept")])
        case ["budget"]:
            return chosen(last, [Choice("off", "end it")])
        case _:
            return Choices(last)


def _value(of: str, typed: str, known: Known) -> Choices:
    match of:
        case "model":
            return _model(typed, known)
        case "thread":
            return chosen(typed, _threads(known.threads))
        case "param":
            return chosen(typed, (Choice(f"{name}=", what) for name, what in _PARAMS.items()))
        case "attach":
            named, found = references_in(typed, known.names), files(typed)
            return Choices(typed, (*named.choices, *found.choices))
        case "record" | "replay":
            return files(typed)
        case "key_env":
            return chosen(typed, _variables())
        case _:
            by_name: dict[str, Callable[[str, Names], Choices]] = {
                "output": variables_in,
                "tool": functions,
                "schema": types_in,
            }
            return by_name[of](typed, known.names) if of in by_name else Choices(typed)


def _model(typed: str, known: Known) -> Choices:
    prefix, slash, name = typed.partition("/")
    if prefix == "python" and slash:
        return streams_in(name, known.names)
    return known.models.choices(typed)


def _threads(threads: Threads) -> Iterable[Choice]:
    named = {one.name: f"{len(one.fresh)} turns" for one in threads}
    return _described(named if MAIN in named else {**named, MAIN: "what -c alone is"})


def _variables() -> Iterable[Choice]:
    """By name: whether they are set does not matter, their values even less."""
    return _described({name: one.name for one in PROVIDERS for name in one.key_env})


def _described(words: Mapping[str, str]) -> list[Choice]:
    return [Choice(word, _brief(what)) for word, what in words.items()]


def _flags() -> dict[str, argparse.Action]:
    flags = arguments.parser()
    return dict(flags._option_string_actions)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _takes_value(flag: argparse.Action) -> bool:
    return flag.nargs != 0


def _unused(flags: Mapping[str, argparse.Action], words: list[str]) -> list[Choice]:
    """Each under all of its names; once given, only those that may be given again."""
    given = {
        id(flags[name]) for name in (word.partition("=")[0] for word in words) if name in flags
    }
    again = "append"
    return [
        Choice(name, _brief(flag.help or "").replace("%%", "%"))  # argparse doubles it
        for name, flag in flags.items()
        if id(flag) not in given or again in type(flag).__name__.lower()
    ]


def _brief(text: str) -> str:
    """One clause: there is a line for it."""
    return text.partition(";")[0]
