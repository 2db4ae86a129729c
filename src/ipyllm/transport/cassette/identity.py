"""
Which request a recording answers: what has to be equal, a name for it, and what comes nearest.

The address counts for nothing, so that a recording made at one's own server replays anywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, cast

from ipyllm.transport.cassette.form import differences
from ipyllm.transport.cassette.redact import hidden, spellings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ipyllm.providers import Target

__all__ = ("FIELDS", "asked", "digest", "nearest", "readable")

FIELDS = ("api", "model", "request")
_LOOKED_AT = 2000  # characters of two requests that are compared for likeness
_WORDS = 40  # characters of a prompt in a file's name


def asked(target: Target, payload: dict[str, Any]) -> dict[str, Any]:
    """What has to be equal, without the key: dialect, `provider/model`, JSON body."""
    secrets = spellings([target.key.value] if target.key is not None else [])
    request: Any = json.loads(json.dumps(hidden(payload, secrets)))
    model = f"{target.provider}/{target.model}"
    return {"api": target.dialect, "model": model, "request": request}


def digest(header: Mapping[str, Any]) -> str:
    """Sixteen letters for one request; 0 and 0.0 are the same, as they are to every service."""
    same = _plain({name: header[name] for name in FIELDS})
    text = json.dumps(same, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def nearest(
    request: Mapping[str, Any], headers: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The header that is most like the request: fewest fields differ, then most letters are the same."""
    wanted = {name: request[name] for name in FIELDS}
    text = json.dumps(wanted)[:_LOOKED_AT]

    def distance(header: Mapping[str, Any]) -> tuple[bool, int, float]:
        other = {name: header[name] for name in FIELDS}
        likeness = SequenceMatcher(None, text, json.dumps(other)[:_LOOKED_AT]).quick_ratio()
        return other["model"] != wanted["model"], len(list(differences(wanted, other))), -likeness

    return min(headers, key=distance, default=None)


def readable(header: Mapping[str, Any]) -> str:
    """A beginning for a file's name: the model, and the words last said to it."""
    model = _slug(str(header["model"]))
    return "-".join(
        filter(None, (model, _slug(_last_words(header["request"]))[:_WORDS].strip("-")))
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _last_words(request: Any) -> str:
    """The last text among what was sent, whatever the API calls it."""
    found: list[str] = []

    def look(value: Any, name: str = "") -> None:
        match value:
            case str() if name in ("content", "text", "prompt", "input"):
                found.append(value)
            case list():
                for item in cast("list[Any]", value):
                    look(item, name)
            case dict():
                for key, item in cast("dict[str, Any]", value).items():
                    if key in (
                        "messages",
                        "contents",
                        "content",
                        "parts",
                        "text",
                        "prompt",
                        "input",
                    ):
                        look(item, key)
            case _:
                pass

    look(request)
    return found[-1] if found else ""


def _plain(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_plain(item) for item in cast("list[Any]", value)]
        case dict():
            return {name: _plain(item) for name, item in cast("dict[str, Any]", value).items()}
        case _:
            return value
