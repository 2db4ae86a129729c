"""
Classes that bring their own JSON Schema and their own reading: pydantic's, version 2.

pydantic is never imported: a model has what is needed, and other types go to pydantic only
where the notebook has imported it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.structured.checker import show
from ipyllm.structured.edits import Path
from ipyllm.structured.invalid import Invalid

__all__ = ("Reading", "adapted", "model")

Reading = tuple[Mapping[str, Any], Callable[[Any, Path], Any]]
"""A JSON Schema document, and what makes an object of a value at a path."""


def model(hint: object) -> Reading | None:
    """
    How a pydantic model is read; None: it is none.

    Raises:
        UsageError: a model of pydantic 1, or one that has no schema.
    """
    if isinstance(hint, type) and hasattr(hint, "model_json_schema"):
        return _reading(hint, hint, "model_json_schema", "model_validate_json")
    if isinstance(hint, type) and hasattr(hint, "__fields__") and hasattr(hint, "parse_obj"):
        way = "Derive it from pydantic.BaseModel of pydantic 2, or make it a dataclass."
        raise UsageError(f"{hint.__name__} is a model of pydantic 1, which is not read.", hint=way)
    if hasattr(hint, "json_schema") and hasattr(hint, "validate_json"):
        return _reading(hint, hint, "json_schema", "validate_json")
    return None


def adapted(hint: object) -> Reading | None:
    """How pydantic reads a type that is none of ours; None: it is not imported, or does not know it."""
    adapter = getattr(sys.modules.get("pydantic"), "TypeAdapter", None)
    if adapter is None:
        return None
    try:
        made = adapter(hint)
        return _reading(hint, made, "json_schema", "validate_json")
    except (UsageError, TypeError, ValueError, AttributeError, RuntimeError, NameError):
        return None


def _reading(hint: object, reader: object, schema: str, validate: str) -> Reading:
    name = getattr(hint, "__name__", str(hint))
    try:
        document = cast("Mapping[str, Any]", getattr(reader, schema)())
    except Exception as exc:
        said = str(exc).partition("\n")[0]
        raise UsageError(f"pydantic has no JSON Schema for {name}: {said}.") from exc
    check = cast("Callable[[str], Any]", getattr(reader, validate))

    def build(value: Any, path: Path) -> Any:
        try:
            # As JSON, not as Python: what is strict there takes a list for a tuple.
            return check(json.dumps(value))
        except ValueError as exc:
            raise _invalid(exc, path) from exc

    return document, build


def _invalid(exc: ValueError, path: Path) -> Invalid:
    errors = cast("Callable[[], list[dict[str, Any]]] | None", getattr(exc, "errors", None))
    first = errors()[0] if errors is not None else {}
    where: Path = (*path, *first.get("loc", ()))
    said = str(first.get("msg") or exc)
    return Invalid(where, str(first.get("type", "value")), f"{show(where)}: {said}")
