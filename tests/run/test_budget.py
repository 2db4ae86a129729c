"""How much an answer may take: what was counted, when it is enough, and what is kept."""

from __future__ import annotations

import math
import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.events import (
    ChoiceDelta,
    Event,
    Finish,
    Notice,
    Progress,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from ipyllm.run.budget import Budget, Purse, Spending
from ipyllm.run.prices import Price

A = TextDelta("a")
PRICE = Price(1.0, 10.0, 0.1)


@pytest.mark.parametrize(
    "words, budget",
    [
        (["500tok"], Budget(tokens=500)),
        (["500", "tokens"], Budget(tokens=500)),
        (["1 token"], Budget(tokens=1)),
        (["12,500tok"], Budget(tokens=12_500)),
        (["12_500 tok"], Budget(tokens=12_500)),
        (["2ktok"], Budget(tokens=2000)),
        (["2k", "tokens"], Budget(tokens=2000)),
        (["1.001Ktok"], Budget(tokens=1001)),
        (["1mtok"], Budget(tokens=1_000_000)),
        (["10s"], Budget(seconds=10.0)),
        (["10 sec"], Budget(seconds=10.0)),
        (["250ms"], Budget(seconds=0.25)),
        (["2min"], Budget(seconds=120.0)),
        (["1.5m"], Budget(seconds=90.0)),
        (["1h"], Budget(seconds=3600.0)),
        (["0.02usd"], Budget(usd=0.02)),
        (["$0.02"], Budget(usd=0.02)),
        (["$ .02"], Budget(usd=0.02)),
        (["0.02$"], Budget(usd=0.02)),
        (["$2 USD"], Budget(usd=2.0)),
        (["500tok", "10s", "$0.02"], Budget(500, 10.0, 0.02)),
        (["500tok,10s"], Budget(500, 10.0)),
        (["500tok", "2min", "300tok", "90s"], Budget(300, 90.0)),
    ],
)
def test_a_budget_is_read(words, budget):
    """Numbers with units, in any order; the smaller of two of a kind counts."""
    assert Budget.parse(words) == budget


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "Write 500tok"),
        ([""], "Write 500tok"),
        (["500"], "Of what? Write 500tok, 500s or 500usd."),
        (["500", "10s"], "Of what? Write 500tok"),
        (["500tokn"], "Did you mean 500tok"),
        (["10secnds"], "Did you mean 10seconds?"),
        (["much"], "'much' is no budget"),
        (["-5s"], "'-5s' is no budget"),
        (["0s"], "0s is no limit"),
        (["$0"], "$0 is no limit"),
        (["0.2tok"], "less than one token"),
        (["$5s"], "'$5s' is no budget"),
        (["2k"], "'2k' is no budget"),
        (["9" * 400 + "tok"], "is no limit"),
    ],
)
def test_what_is_no_budget_is_said_with_what_would_be_one(words, said):
    """One sentence: what was seen, and the nearest form."""
    with pytest.raises(UsageError) as caught:
        Budget.parse(words)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


@given(st.lists(st.text(max_size=12), max_size=3))
def test_any_words_are_a_budget_or_a_usage_error(words):
    """Nothing else comes of a slip of the pen."""
    with suppress(UsageError):
        assert Budget.parse(words)


_budgets = st.builds(
    Budget,
    st.none() | st.integers(1, 10**9),
    st.none() | st.integers(1, 10**4).map(float),
    st.none() | st.integers(1, 999).map(lambda cents: cents / 100),
)


@given(_budgets.filter(bool))
def test_what_a_budget_says_of_itself_is_read_as_the_same(budget):
    """`str` gives words that `parse` takes."""
    assert Budget.parse([str(budget)]) == budget


def test_no_budget_is_false_and_says_so():
    """No limit, no words about limits."""
    assert not Budget()
    assert str(Budget()) == "no budget"
    spending = Spending(Budget(), started=0.0)
    spending.observe(A, 1e9)
    assert (spending.over(1e9), spending.due(1e9), spending.spent(1e9).share) == (None, math.inf, 0)


@pytest.mark.parametrize(
    "event, tokens",
    [
        (A, 1),
        (ReasoningDelta("a"), 1),
        (RefusalDelta("a"), 1),
        (ChoiceDelta(1, "a"), 1),
        (ToolCallStart(0, "c", "f"), 1),
        (ToolCallStart(0, "c", ""), 0),
        (ToolCallDelta(0, "{"), 1),
        (ToolCallEnd(0), 0),
        (Notice("ping", ""), 0),
        (Progress(1, 2), 0),
        (Finish("stop"), 0),
        (Usage(5), 0),
    ],
    ids=repr,
)
def test_a_delta_is_a_token(event, tokens):
    """Reasoning, refusals, arguments and other choices are output as well as text."""
    spending = Spending(Budget(tokens=10), started=0.0)
    spending.observe(event, 1.0)
    assert spending.spent(1.0).tokens == tokens


@pytest.mark.parametrize(
    "events, tokens, estimated",
    [
        ([A, A], 2, True),
        ([A, A, Usage(5, 7)], 7, False),
        ([A, Usage(5, 3), A], 4, True),
        ([A, Usage(5, 1), A, Usage(5, 2)], 2, False),
        ([Usage(5, 1), A, A], 2, True),  # Anthropic's first usage says nothing of what comes
        ([Usage(5, 1), A, A, Usage(5, 2)], 2, False),
        ([Usage(5, 4)], 4, False),  # all of it was hidden
        ([A, Usage(5)], 1, True),
        ([A, Usage(None, 3)], 3, True),
        ([A, Usage(5, 3, 4, raw={"thoughtsTokenCount": 4})], 7, False),
        ([A, Usage(5, 9, 4, raw={"total_tokens": 14})], 9, False),
        ([A, Usage(5, 3, 4, raw={"total_tokens": 12})], 7, False),
    ],
)
def test_usage_takes_the_place_of_what_was_counted(events, tokens, estimated):
    """The last word counts; deltas after it are added to it."""
    spending = Spending(Budget(tokens=100), started=0.0)
    for event in events:
        spending.observe(event, 1.0)
    spent = spending.spent(1.0)
    assert (spent.tokens, spent.estimated) == (tokens, estimated)


def test_the_delta_that_reaches_the_budget_is_the_last_within():
    """Not one more, not one less; what came in the same read is kept, and counted apart."""
    spending = Spending(Budget(tokens=3), started=0.0)
    assert spending.cut([A, A], 1.0) == ([A, A], [])
    assert spending.over(1.0) is None
    rest = [TextDelta("c"), Finish("stop")]
    assert spending.cut([TextDelta("b"), *rest], 2.0) == ([TextDelta("b")], rest)
    assert spending.over(2.0) == "3 of 3 tokens"
    spent = spending.spent(2.0)
    assert (spent.tokens, spent.beyond, spent.share) == (4, 1, 1.0)


@given(st.lists(st.lists(st.sampled_from([A, Notice("ping", ""), ReasoningDelta("b")]))))
def test_nothing_received_is_lost_and_the_overshoot_is_none_however_it_was_cut(reads):
    """Within and after are all that came, in order; within has no token more than the budget."""
    spending = Spending(Budget(tokens=5), started=0.0)
    kept: list[Event] = []
    total = 0
    for read in reads:
        within, rest = spending.cut(read, 1.0)
        assert within + rest == read
        kept += within
        total += sum(not isinstance(event, Notice) for event in read)
    tokens = sum(not isinstance(event, Notice) for event in kept)
    assert tokens == min(total, 5)
    assert (spending.over(1.0) is not None) == (total >= 5)
    assert spending.spent(1.0).beyond == max(total - 5, 0)


def test_time_runs_without_events():
    """`due` says when to look again, for a server that has stalled."""
    spending = Spending(Budget(seconds=10.0), started=100.0)
    assert (spending.over(109.9), spending.due(104.0)) == (None, 6.0)
    assert spending.over(110.0) == "10.0 of 10 s"
    assert spending.due(111.0) == 0.0
    assert spending.cut([A], 111.0) == ([], [A])


def test_money_is_the_prompt_s_and_the_answer_s():
    """A guessed prompt counts from the start; usage, with what was cached, takes its place."""
    spending = Spending(Budget(usd=0.002), PRICE, 1000, started=0.0)
    assert spending.spent(0.0).usd == pytest.approx(0.001)
    for _ in range(99):
        spending.observe(A, 1.0)
    assert spending.over(1.0) is None
    assert spending.spent(1.0).share == pytest.approx(0.995)
    spending.observe(A, 1.0)
    assert spending.over(1.0) == "$0.002 of $0.002"
    spending.observe(Usage(2000, 100, cached_tokens=1000), 1.0)
    assert spending.spent(1.0).usd == pytest.approx(0.0021)


def test_without_a_price_there_is_no_cost():
    """None is not nothing: it is not known."""
    spending = Spending(Budget(usd=0.01, tokens=1), started=0.0)
    spending.observe(A, 1.0)
    assert spending.spent(1.0).usd is None
    assert spending.over(1.0) == "1 of 1 tokens"


def test_the_rounds_of_a_run_count_together():
    """A run that asks again, with results of tools, goes on with the same budget."""
    spending = Spending(Budget(tokens=5), PRICE, 10, started=0.0)
    spending.cut([A, Usage(12, 3)], 1.0)
    spending.another(20)
    assert spending.cut([Usage(20, 1), A], 2.0) == ([Usage(20, 1), A], [])
    spent = spending.spent(2.0)
    assert (spent.tokens, spent.estimated, spent.seconds) == (4, True, 2.0)
    assert spent.usd == pytest.approx((32 * 1.0 + 4 * 10.0) / 1e6)
    assert spending.cut([A, A], 3.0) == ([A], [A])
    assert spending.over(3.0) == "5 of 5 tokens"


def test_usage_too_can_reach_a_budget():
    """A service that counts while it streams may know of more than was shown."""
    spending = Spending(Budget(tokens=5), started=0.0)
    counted = Usage(1, 6)
    assert spending.cut([A, counted, A], 1.0) == ([A, counted], [A])
    assert spending.over(1.0) == "6 of 5 tokens"


def test_a_further_prompt_is_guessed_from_what_was_asked_and_answered():
    """Unless somebody knows better."""
    spending = Spending(Budget(usd=1.0), Price(1e6, 0.0), 10, started=0.0)
    spending.cut([A, A], 1.0)
    spending.another()
    assert spending.spent(1.0).usd == 10 + 12
    spending.another(3)
    assert spending.spent(1.0).usd == 10 + 12 + 3


def test_the_sentence_is_that_of_the_moment():
    """What came after does not change why it ended."""
    spending = Spending(Budget(tokens=5), started=0.0)
    spending.cut([A] * 9, 3.0)
    assert spending.over(3.0) == "5 of 5 tokens"


def test_runs_draw_from_one_purse():
    """What one run took, another has not; the guess too high is given back."""
    purse = Purse(Budget(tokens=10, seconds=60.0, usd=1.0))
    first = Spending(Budget(tokens=8), PRICE, started=0.0, purse=purse)
    first.cut([A] * 6, 2.0)
    assert purse.left() == "4 of 10 tokens, 58.0 of 60 s, $1 of $1.00 left"
    first.observe(Usage(0, 5), 2.0)
    second = Spending(Budget(), started=10.0, purse=purse)
    assert second.cut([A] * 6, 11.0) == ([A] * 5, [A])
    assert second.over(11.0) == "the notebook's budget: 10 of 10 tokens"
    assert first.over(2.0) == "the notebook's budget: 11 of 10 tokens"
    assert purse.left().startswith("0 of 10 tokens")
    assert second.due(11.0) == 57.0


def test_a_purse_without_a_budget_has_no_end():
    """It only counts."""
    purse = Purse(Budget())
    Spending(Budget(), started=0.0, purse=purse).cut([A] * 100, 100.0)
    assert (purse.over(), purse.due(), purse.left()) == (None, math.inf, "no budget")


def test_a_purse_is_drawn_from_by_many_threads():
    """No token is counted twice, none is forgotten."""
    purse = Purse(Budget(tokens=100_000))
    start = threading.Barrier(4)

    def run() -> None:
        spending = Spending(Budget(), started=0.0, purse=purse)
        start.wait()
        for _ in range(2000):
            spending.observe(A, 1.0)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert purse.left() == "92,000 of 100,000 tokens left"
