"""
Tool calls in plain text, for models and servers that have no other way to make them.

One module for each family of formats; every one reads from a `Tape` and gives to an `Out`.
"""

from __future__ import annotations

from ipyllm.structured.text_calls.detector import ALL, TextCalls

__all__ = ("ALL", "TextCalls")
