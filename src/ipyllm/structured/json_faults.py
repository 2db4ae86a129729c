"""What is wrong with a JSON text, in words: what was seen, and where in the value."""

from __future__ import annotations

import json

from ipyllm.structured.building import Building
from ipyllm.structured.edits import Kind
from ipyllm.structured.scan import spelled

__all__ = ("control", "no_colon", "no_comma", "no_name", "no_value", "place")


def place(building: Building, kind: Kind | None, *, naming: bool) -> str:
    """Where in the value a text has come to: `inside a string at $.rows[2]`."""
    if naming:
        return f"inside a name in {spelled(building.path)}"
    if kind in {"true", "false", "null"}:
        return f"inside {kind} at {spelled(building.entry)}"
    if kind:
        return f"inside a {kind} at {spelled(building.entry)}"
    return f"inside {_home(building)}" if building.depth else "before any value"


def no_value(char: str, building: Building) -> str:
    if char == "\ufeff" and not building.depth:
        return "A byte order mark (U+FEFF) comes before the JSON: leave it out"
    if char == "]" and isinstance(building.home, list):
        return f"A comma comes before ']', inside {_home(building)}"
    hint = " (JSON has no NaN, Infinity or None)" if char in "NI" else ""
    return f"{char!r} begins no value at {spelled(building.entry)}{hint}"


def no_name(char: str, building: Building) -> str:
    if char == "}":
        return f"A comma comes before '}}', inside {_home(building)}"
    return f"{char!r} is where a name in double quotes has to begin, inside {_home(building)}"


def no_colon(char: str, building: Building) -> str:
    return f"{char!r} is where ':' has to be, before the value at {spelled(building.entry)}"


def no_comma(char: str, building: Building) -> str:
    end = "}" if isinstance(building.home, dict) else "]"
    return f"{char!r} is where ',' or {end!r} has to be, inside {_home(building)}"


def control(char: str, where: str) -> str:
    return f"A raw control character is {where}: JSON writes it {json.dumps(char)[1:-1]}"


def _home(building: Building) -> str:
    kind = "object" if isinstance(building.home, dict) else "array"
    return f"the {kind} at {spelled(building.path)}"
