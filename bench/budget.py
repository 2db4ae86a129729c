"""Budgets against a scripted server: how much comes after the limit, and how late the request is closed."""

from __future__ import annotations

import os
import sys
import time
from statistics import median

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))
from mock_server import Hold, MockServer, Pause, Token

import ipyllm
from ipyllm.events import Notice

LIMITS = (1, 7, 100, 777)  # tokens
TRIES = 20
SECONDS = 0.3
MANY = 3000


def rows() -> list[Row]:
    mock = MockServer()
    os.environ["LLAMACPP_BASE_URL"] = mock.base_url
    try:
        return [tokens(mock), seconds(mock)]
    finally:
        mock.close()


def tokens(mock: MockServer) -> Row:
    """At full speed, and at 500 tokens a second: the deltas shown, and those kept beside them."""
    over: list[int] = []
    lost = beyond = 0
    for pause in (0.0, 0.002):
        for limit in LIMITS:
            words = [f"t{number} " for number in range(MANY if not pause else limit + 40)]
            mock.reset()
            mock.answer(*(step for word in words for step in (Token(word), Pause(pause))), Hold())
            reply = ipyllm.ask("Hi", model="llamacpp/m", budget=f"{limit}tok")
            shown = reply.split()
            over.append(len(shown) - limit)
            kept = [event.text for event in reply.raw_events if isinstance(event, Notice)]
            after = "".join(kept).split()
            beyond += len(after)
            lost += [*shown, *after] != [word.strip() for word in words][: len(shown) + len(after)]
    figure = f"{max(over)} more at most, of {len(over)} answers; {lost} lost anything; {beyond} kept beside"
    return Row(
        "budget of tokens: overshoot <= 1 delta, nothing received is lost",
        figure,
        max(over) <= 1 and not lost,
    )


def seconds(mock: MockServer) -> Row:
    """From the call to the closed request, while it streams and while it stalls."""
    late: list[float] = []
    lost = 0
    for stalls in (False, True):
        for _ in range(TRIES):
            mock.reset()
            steps = [step for number in range(400) for step in (Token(f"t{number} "), Pause(0.005))]
            mock.answer(*(steps[:20] if stalls else steps), Hold())
            start = time.monotonic()
            reply = ipyllm.ask("Hi", model="llamacpp/m", budget=f"{SECONDS}s")
            late.append(1e3 * (mock.exchange().wait_gone() - start - SECONDS))
            shown = reply.split()
            lost += shown != [f"t{number}" for number in range(len(shown))] or not shown
    worst = f"median {median(late):.0f} ms, max {max(late):.0f} ms of {len(late)}"
    figure = f"{worst}, call to closed request; {lost} lost anything"
    return Row("budget of time: overshoot <= 50 ms", figure, max(late) <= 50 and not lost)


if __name__ == "__main__":
    print(*rows(), sep="\n")
