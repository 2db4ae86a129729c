"""SIGINT in a real kernel, 50 times in each place, on the newest ipykernel and on 6.31."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from harness import ROOT, Row

sys.path.insert(0, str(ROOT / "tests"))
from kernel.driver import Cell, Kernel
from mock_server import Exchange, Hold, MockServer, Pause, Progress, Token

TRIES = 50
CODE = "%%llm -m llamacpp/mock -o answer\nHello?"
TEXT = [step for i in range(4000) for step in (Token(f"t{i} "), Pause(0.005))]


@dataclass
class Tally:
    """Milliseconds from the signal, one a try; what was lost."""

    closed: list[float] = field(default_factory=list[float])
    idle: list[float] = field(default_factory=list[float])
    unclosed: int = 0
    lost: int = 0


@dataclass(frozen=True)
class Place:
    """Where the answer is when the signal comes."""

    name: str
    script: Callable[[MockServer], None]
    reached: Callable[[Cell, MockServer], object]


def stall(mock: MockServer) -> None:
    mock.answer(Token("some "), Token("text"), Hold())


def connect_and_hang(mock: MockServer) -> None:
    mock.deaf = True


PLACES = (
    Place("streaming", lambda m: m.answer(*TEXT), lambda c, _: c.wait_for_text("t9 ")),
    Place("stalled", stall, lambda c, _: c.wait_for_text("text")),
    Place(
        "before headers",
        lambda m: m.answer(before=[Hold()]),
        lambda _, m: m.exchange().wait_requested(),
    ),
    Place("connecting", connect_and_hang, lambda _, m: m.exchange()),
    Place(
        "prefill",
        lambda m: m.answer(Progress(64, 640), Hold()),
        lambda c, _: c.wait_for(lambda: "prefill" in c.states),
    ),
)


def rows() -> list[Row]:
    out: list[Row] = []
    for name, python in (
        ("ipykernel 7", sys.executable),
        ("ipykernel 6", os.environ["IPYLLM_KERNEL6"]),
    ):
        mock = MockServer()
        kernel = Kernel(python, {"JPY_SESSION_NAME": "bench", "LLAMACPP_BASE_URL": mock.base_url})
        try:
            kernel.run("%load_ext ipyllm")
            mock.tokens(3)
            kernel.run(CODE)  # the first call pays for itself
            out += [
                _row(f"{place.name}, {name}", _tries(kernel, mock, place, 1)) for place in PLACES
            ]
            out.append(_triple(name, _tries(kernel, mock, PLACES[0], 3)))
        finally:
            kernel.close()
            mock.close()
    return out


def _tries(kernel: Kernel, mock: MockServer, place: Place, times: int) -> Tally:
    tally = Tally()
    chance = random.Random(5)
    for _ in range(TRIES):
        mock.reset()
        place.script(mock)
        cell = kernel.start(CODE)
        place.reached(cell, mock)
        time.sleep(chance.uniform(0, 0.02))
        exchange = mock.exchange()
        sent = kernel.interrupt(times, apart=0.005)
        idle = cell.wait_idle()
        tally.idle.append(1e3 * (idle - sent))
        _note_close(tally, exchange, sent)
        tally.lost += not _whole(kernel, cell, place)
    return tally


def _note_close(tally: Tally, exchange: Exchange, sent: float) -> None:
    end = time.monotonic() + 3
    while exchange.gone is None and time.monotonic() < end:
        time.sleep(0.001)
    if exchange.gone is None:
        tally.unclosed += 1
    else:
        tally.closed.append(1e3 * (exchange.gone - sent))


def _whole(kernel: Kernel, cell: Cell, place: Place) -> bool:
    """The variable, the final output and the live view have the same text; the next cell runs."""
    kept = kernel.value("str(answer), answer.finish_reason")
    text = cell.final.get("text/markdown")
    expected_some = place.name in ("streaming", "stalled")
    return (
        kept == repr((text, "interrupted"))
        and cell.shown == text
        and bool(text) == expected_some
        and cell.error is not None
        and cell.error["ename"] == "Stopped"
        and "view+json" not in "".join(cell.final)
    )


def _row(where: str, tally: Tally) -> Row:
    closed, idle = sorted(tally.closed), sorted(tally.idle)
    seen = f"{len(closed)}/{TRIES}"
    figure = (
        f"server saw the close {seen}, median {median(closed):.1f} ms, max {closed[-1]:.1f} ms;"
        f" idle median {median(idle):.1f} ms, max {idle[-1]:.1f} ms; {tally.lost} lost"
    )
    holds = (
        len(closed) == TRIES
        and closed[-1] <= 100
        and median(closed) <= 10
        and idle[-1] <= 100
        and not tally.lost
    )
    goal = (
        f"interrupt, {where}: close <= 100 ms in 100 %, median <= 10 ms, idle <= 100 ms, text kept"
    )
    return Row(goal, figure, holds)


def _triple(name: str, tally: Tally) -> Row:
    figure = f"{tally.lost} of {TRIES} lost anything; idle max {max(tally.idle):.1f} ms"
    goal = f"three SIGINTs within 10 ms lose nothing, {name}"
    return Row(goal, figure, not tally.lost and not tally.unclosed)


if __name__ == "__main__":
    print(*rows(), sep="\n")
