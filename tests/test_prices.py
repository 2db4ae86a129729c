"""What tokens cost: the user's table, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.events import Usage
from ipyllm.run.prices import FREE, Price, Prices, billed, missing

TABLE = {
    "as_of": "2026-11-01",
    "usd_per_million_tokens": {
        "openai/gpt-x": {"input": 1.25, "output": 10, "cached": 0.125},
        "openai/gpt-x*": {"input": 2, "output": 20},
        "openai/*": {"input": 3, "output": 30},
        "python/mine": {"input": 4, "output": 40},
    },
}


def table(**rows) -> dict:
    return {"usd_per_million_tokens": rows}


@pytest.mark.parametrize(
    "model, output",
    [
        ("openai/gpt-x", 10),
        ("openai/gpt-x-mini", 20),
        ("openai/gpt-y", 30),
        ("OpenAI/gpt-y", None),
        ("anthropic/claude", None),
        ("local", 0),
        ("local/some.gguf", 0),
        ("browser", 0),
        ("python/other", 0),
        ("python/mine", 40),
        ("localhost/x", None),
    ],
)
def test_a_price_is_found_by_name_then_by_the_longest_pattern(model, output):
    """What runs here costs nothing; what nobody priced has no price."""
    price = Prices.of(TABLE).find(model)
    assert (price and price.output) == output
    assert (price is None) == (output is None)


def test_a_price_knows_its_date():
    """Whoever shows a cost can say how old its price is."""
    assert Prices.of(TABLE).find("openai/gpt-x") == Price(1.25, 10, 0.125, "2026-11-01")


def test_no_price_has_its_words():
    """What to do about it."""
    assert missing("a/b") == "no price for a/b: set IPYLLM_PRICES"


def test_a_cost_is_what_a_million_costs():
    """Cached input has its own price, if it has one."""
    assert Price(1.0, 10.0, 0.1).cost(2_000_000, 100_000, 1_000_000) == pytest.approx(2.1)
    assert Price(1.0, 10.0).cost(2_000_000, 100_000, 1_000_000) == pytest.approx(3.0)
    assert Price(1.0, 10.0, 0.1).cost(0, 0, 1_000_000) == pytest.approx(0.1)
    assert FREE.cost(10**9, 10**9) == 0


@pytest.mark.parametrize(
    "usage, found",
    [
        (Usage(), (None, None, 0)),
        (Usage(5, 7, 3, 2), (5, 7, 2)),
        # Gemini and xAI count reasoning beside the output.
        (Usage(5, 7, 3, raw={"thoughtsTokenCount": 3}), (5, 10, 0)),
        (Usage(5, None, 3, raw={"thoughtsTokenCount": 3}), (5, 3, 0)),
        (Usage(5, 7, 3, raw={"total_tokens": 15}), (5, 10, 0)),
        (Usage(5, 7, 3, raw={"total_tokens": 12}), (5, 7, 0)),
        # Anthropic counts its cache beside the input.
        (Usage(5, 7, cached_tokens=2, raw={"cache_read_input_tokens": 2}), (7, 7, 2)),
        (
            Usage(
                5,
                7,
                cached_tokens=2,
                raw={"cache_read_input_tokens": 2, "cache_creation_input_tokens": 4},
            ),
            (11, 7, 2),
        ),
    ],
)
def test_tokens_are_billed_as_their_service_counts_them(usage, found):
    """One way to count for all."""
    assert billed(usage) == found


def test_a_table_is_read_from_a_file(tmp_path, monkeypatch):
    """By its path, or by the variable that names it; without either there are no prices."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(TABLE), "utf-8")
    monkeypatch.delenv("IPYLLM_PRICES", raising=False)
    assert Prices.load().table == {}
    assert Prices.load(path) == Prices.of(TABLE)
    monkeypatch.setenv("IPYLLM_PRICES", str(path))
    assert Prices.load() == Prices.of(TABLE)


@pytest.mark.parametrize("text", ["{", "\ud800", "[" * 100_000])
def test_a_file_that_is_no_json_is_said(tmp_path, text):
    """With its name."""
    path = tmp_path / "prices.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match=r"prices\.json are not JSON"):
        Prices.load(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    """With its name, and why."""
    with pytest.raises(UsageError, match=r"nowhere\.json cannot be read: No such file"):
        Prices.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "payload, said",
    [
        ([], "usd_per_million_tokens"),
        ({}, "usd_per_million_tokens"),
        ({"usd_per_million_tokens": []}, "usd_per_million_tokens"),
        (table(a=3), "The price of 'a'"),
        (table(a={"input": 1}), '{"input": 1}'),
        (table(a={"input": 1, "output": "2"}), '"2"'),
        (table(a={"input": 1, "output": -2}), "-2"),
        (table(a={"input": 1, "output": True}), "true"),
        (table(a={"input": 1, "output": float("nan")}), "NaN"),
        (table(a={"input": 1, "output": 2, "outptu": 3}), "outptu"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(payload, said):
    """What was seen, where, and what it takes."""
    with pytest.raises(UsageError) as caught:
        Prices.of(payload, "my.json")
    assert said in str(caught.value)
    assert "my.json" in str(caught.value)
    assert "\n" not in str(caught.value)


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["usd_per_million_tokens", "as_of", "a", "input", "output"]), inner
        )
    ),
    max_leaves=10,
)


@given(_json)
def test_any_json_is_a_table_or_a_usage_error(payload):
    """Nothing else."""
    with suppress(UsageError):
        Prices.of(payload)
