"""
A schema as OpenAI's APIs are told it, and as Anthropic's grammar takes it.

https://platform.openai.com/docs/guides/structured-outputs
https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ipyllm.errors import UsageError
from ipyllm.structured.strict import strict

if TYPE_CHECKING:
    from ipyllm.request import Request

__all__ = ("closed", "in_words", "named")

_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64  # characters of a name

# Keywords whose value is one schema, a list of schemas, or schemas by name.
_ONE = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions")

# Not in Anthropic's grammar ("JSON Schema limitations").
_BOUNDS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties"),
)


def named(request: Request) -> dict[str, Any]:
    """
    `{name, schema, strict}` of the request's schema.

    Strict is what guarantees the form at OpenAI. What has no strict form is sent as it is, as a wish;
    llama.cpp and vLLM hold the model to that as well.
    """
    schema = dict(request.schema or {})
    name = _NAME.sub("_", request.schema_name or str(schema.get("title") or "")).strip("_")
    out: dict[str, Any] = {"name": name[:_LONGEST] or "answer"}
    try:
        return out | {"schema": strict(schema), "strict": True}
    except UsageError:
        return out | {"schema": schema, "strict": False}


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The schema with no members but those it names, where it says nothing of others.

    llama.cpp's grammar takes silence for leave: a small model invents member after member. An open map
    stays open: closed, it could only be empty.
    """
    out = _each(schema, closed)
    if "properties" in out:
        out.setdefault("additionalProperties", False)
    return out


def in_words(schema: Mapping[str, Any]) -> dict[str, Any]:
    """
    The schema with its bounds moved into descriptions, for Anthropic's grammar, which has none.

    The model still reads them, and the answer is checked against the whole schema anyway.
    """
    out = _each(schema, in_words)
    moved = {key: out.pop(key) for key in _BOUNDS if key in out and not _is_taken(key, out[key])}
    if moved:
        said = ", ".join(f"{key}: {json.dumps(value)}" for key, value in moved.items())
        out["description"] = f"{out.get('description', '')} ({said})".strip()
    return out


def _is_taken(key: str, value: Any) -> bool:
    return key == "minItems" and value in (0, 1)


def _each(
    schema: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    """A copy in which every schema directly inside is changed."""

    def changed(inner: Any) -> Any:
        return change(cast("Mapping[str, Any]", inner)) if isinstance(inner, Mapping) else inner

    out = dict(schema)
    for key in (key for key in _ONE if key in out):
        out[key] = changed(out[key])
    for key in (key for key in _LISTS if key in out):
        out[key] = [changed(inner) for inner in out[key]]
    for key in (key for key in _NAMED if key in out):
        out[key] = {name: changed(inner) for name, inner in out[key].items()}
    return out
