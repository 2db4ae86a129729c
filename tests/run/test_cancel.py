"""SIGINT while an answer streams: the real signal, in the main thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from ipyllm.run import cancel
from ipyllm.run.cancel import Interrupts
from ipyllm.testing import FakeClock


@pytest.fixture
def before() -> Iterator[list[int]]:
    """Put a handler in place that counts, as ipykernel has one; and take it away again."""
    taken: list[int] = []
    old = signal.signal(signal.SIGINT, lambda number, _frame: taken.append(number))
    yield taken
    signal.signal(signal.SIGINT, old)


@pytest.fixture
def clock(monkeypatch) -> FakeClock:
    clock = FakeClock()
    monkeypatch.setattr(cancel.time, "monotonic", clock)
    return clock


def interrupt(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def test_three_interrupts_cancel_once_and_raise_nothing(before):
    """A user who presses again and again loses nothing."""
    called: list[int] = []
    with Interrupts(lambda: called.append(1)) as interrupts:
        interrupt(3)
        assert interrupts.hit
    assert called == [1]
    assert before == []


def test_the_handler_before_is_back_when_nothing_happened(before):
    """Without an interrupt all is as it was."""
    handler = signal.getsignal(signal.SIGINT)
    with Interrupts(lambda: None) as interrupts:
        assert signal.getsignal(signal.SIGINT) is not handler
    assert signal.getsignal(signal.SIGINT) is handler
    assert not interrupts.hit
    interrupt()
    assert len(before) == 1


def test_late_presses_of_the_same_stop_do_nothing(before, clock):
    """For a second after a stop, an interrupt still means that stop; after it, it is a new one."""
    with Interrupts(lambda: None):
        interrupt()
    interrupt(2)
    clock.advance(cancel._DEBOUNCE - 0.01)
    interrupt()
    assert before == []
    clock.advance(0.02)
    interrupt()
    assert before == [signal.SIGINT]


def test_the_next_answer_can_be_interrupted_again(before, clock):
    """The debouncing handler does not stay in the way of another run."""
    called: list[int] = []
    for number in range(3):
        with Interrupts(lambda number=number: called.append(number)):
            interrupt(2)
    assert called == [0, 1, 2]
    clock.advance(cancel._DEBOUNCE + 0.01)
    interrupt()
    assert len(before) == 1


def test_an_exception_inside_leaves_the_handler_right(before):
    """A bug while an answer streams does not cost the notebook its interrupts."""
    with pytest.raises(ZeroDivisionError), Interrupts(lambda: None):
        raise ZeroDivisionError
    interrupt()
    assert len(before) == 1


def test_outside_the_main_thread_nothing_is_touched(before):
    """Python takes signals in the main thread only."""
    handler = signal.getsignal(signal.SIGINT)
    inside: list[object] = []

    def work() -> None:
        with Interrupts(lambda: None):
            inside.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [handler]
    assert signal.getsignal(signal.SIGINT) is handler
