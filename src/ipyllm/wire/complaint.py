"""
What a service complains of, in all the shapes error JSON comes in.

Seen in recordings: `{"error": {...}}`, `{"error": "text"}` (Ollama, xAI), `{"detail": ...}`
(Mistral, FastAPI), `{"message": ...}` (Cohere, Bedrock, Azure), a list with one of them (Gemini).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

__all__ = ("Complaint",)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The service's own message, and its code or type ("" if it gives none)."""

    message: str
    code: str = ""

    @classmethod
    def of(cls, payload: Any) -> Complaint | None:
        """Find the complaint in decoded JSON; None where there is none."""
        if isinstance(payload, list) and payload:
            return cls.of(cast("list[Any]", payload)[0])
        if not isinstance(payload, dict):
            return None
        found = cast("dict[str, Any]", payload)
        for key in ("error", "detail", "message"):
            value = found.get(key)
            if isinstance(value, list) and value:
                value = cast("list[Any]", value)[0]
            if isinstance(value, str) and value:
                return cls(value, _code(found))
            if isinstance(value, dict) and value:
                inner = cast("dict[str, Any]", value)
                text = inner.get("message") or inner.get("msg") or inner.get("error")
                return cls(str(text or inner), _code(inner))
        return None


def _code(found: dict[str, Any]) -> str:
    for key in ("code", "type", "status"):
        if found.get(key):
            return str(found[key])
    return ""
