"""
What tokens cost: only from the user's own table. Prices change, and ours would be wrong in silence.

    {"as_of": "2026-11-01", "usd_per_million_tokens": {
        "openai/gpt-x": {"input": 1.25, "output": 10, "cached": 0.125},
        "anthropic/*": {"input": 3, "output": 15}}}

The file `IPYLLM_PRICES` names. A model's own name counts before a pattern, a longer pattern before a
shorter one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from ipyllm.errors import UsageError
from ipyllm.events import Usage

__all__ = ("FREE", "Price", "Prices", "billed", "missing")

_VARIABLE = "IPYLLM_PRICES"
_LOCAL = ("local", "browser", "python")  # run here; ollama and the like may be a cloud's
_MILLION = 1e6
_FIELDS = {"input", "output", "cached"}


@dataclass(frozen=True, slots=True)
class Price:
    """
    US dollars for a million tokens.

    * `cached`: of input read from the service's cache; None: as any input.
    * `as_of`: the date its table gives itself, "" for none.
    """

    input: float
    output: float
    cached: float | None = None
    as_of: str = ""

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float:
        """US dollars; `cached_tokens` are part of `input_tokens`."""
        cached = self.input if self.cached is None else self.cached
        plain = max(input_tokens - cached_tokens, 0)
        sum_ = plain * self.input + cached_tokens * cached + output_tokens * self.output
        return sum_ / _MILLION


FREE = Price(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Prices:
    """`find` the price of a model by its id, `provider/model`."""

    table: Mapping[str, Price]

    @classmethod
    def load(cls, path: str | Path | None = None) -> Prices:
        """
        Read the table at `path`, else at `IPYLLM_PRICES`; without either it is empty.

        Raises:
            UsageError: there is no such file, or it is no such table.
        """
        found = str(path or os.environ.get(_VARIABLE, ""))
        if not found:
            return cls({})
        try:
            return cls.of(json.loads(Path(found).expanduser().read_text("utf-8")), found)
        except OSError as exc:
            why = exc.strerror or type(exc).__name__
            raise UsageError(f"The prices in {found} cannot be read: {why}.") from None
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"The prices in {found} are not JSON: {exc}.") from None

    @classmethod
    def of(cls, payload: Any, where: str = "the table") -> Prices:
        """
        The prices in decoded JSON.

        Raises:
            UsageError: it has another shape; the sentence says where.
        """
        found = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {}
        table: Any = found.get("usd_per_million_tokens")
        if not isinstance(table, dict):
            raise UsageError(f'The prices in {where} have no "usd_per_million_tokens".')
        as_of = str(found.get("as_of") or "")
        rows = cast("dict[str, Any]", table)
        return cls({name: _price(name, row, as_of, where) for name, row in rows.items()})

    def find(self, model: str) -> Price | None:
        """The price of that model; None where nobody said it (`missing` has the words)."""
        if model in self.table:
            return self.table[model]
        if model.partition("/")[0] in _LOCAL:
            return FREE
        patterns = [name for name in self.table if fnmatchcase(model, name)]
        return self.table[max(patterns, key=len)] if patterns else None


def missing(model: str) -> str:
    """What to say in place of a cost."""
    return f"no price for {model}: set {_VARIABLE}"


def billed(usage: Usage) -> tuple[int | None, int | None, int]:
    """
    Tokens in, tokens out and those of the input that were cached, as they are billed.

    Gemini and xAI count reasoning beside the output, all others within it; Anthropic counts what its
    cache took or gave beside the input.
    """
    inputs, outputs, cached = usage.input_tokens, usage.output_tokens, usage.cached_tokens or 0
    thought = usage.reasoning_tokens or 0
    total = usage.raw.get("total_tokens", usage.raw.get("totalTokenCount"))
    if "thoughtsTokenCount" in usage.raw or _is_beside(total, inputs, outputs, thought):
        outputs = (outputs or 0) + thought
    if inputs is not None and "cache_read_input_tokens" in usage.raw:
        written = usage.raw.get("cache_creation_input_tokens")
        inputs += cached + (written if isinstance(written, int) else 0)
    return inputs, outputs, cached


def _is_beside(total: Any, inputs: int | None, outputs: int | None, thought: int) -> bool:
    if not thought or not isinstance(total, int) or inputs is None or outputs is None:
        return False
    return total >= inputs + outputs + thought


def _price(name: str, row: Any, as_of: str, where: str) -> Price:
    fields = cast("dict[str, Any]", row) if isinstance(row, dict) else {}
    numbers = all(_is_price(value) for value in fields.values())
    if not ({"input", "output"} <= fields.keys() <= _FIELDS) or not numbers:
        raise UsageError(
            f"The price of {name!r} in {where} is {json.dumps(row)[:60]}.",
            hint='It takes {"input": 1.25, "output": 10}, and "cached" if it has one.',
        )
    return Price(fields["input"], fields["output"], fields.get("cached"), as_of)


def _is_price(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value < float("inf")
