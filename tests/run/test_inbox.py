"""What the network thread leaves for the one that shows it."""

from __future__ import annotations

import threading
import time

from ipyllm.events import TextDelta
from ipyllm.run import inbox as module
from ipyllm.run.inbox import Inbox


def test_everything_is_drained_in_order():
    """Bytes and events come out as they went in, with their times."""
    inbox = Inbox()
    inbox.put(1.0, b"a")
    inbox.put(2.0, [TextDelta("b")])
    assert inbox.drain() == [(1.0, b"a"), (2.0, [TextDelta("b")])]
    assert inbox.drain() == []


def test_waiting_for_any_returns_when_something_is_there():
    """What came before the wait began ends it at once, and what comes later wakes it."""
    inbox = Inbox()
    inbox.put(1.0, b"a")
    inbox.wait_for_any()
    assert inbox.drain()
    # The waiter is told by the sender, not by the time: it may take any number of slices.
    sender = threading.Timer(0, inbox.put, (2.0, b"b"))
    sender.start()
    while not (arrived := inbox.drain()):
        inbox.wait_for_any()
    assert arrived == [(2.0, b"b")]
    sender.join()


def test_the_end_wakes_and_stays():
    """A closed inbox lets nobody wait."""
    inbox = Inbox()
    inbox.close()
    assert inbox.closed
    start = time.monotonic()
    for _ in range(100):
        inbox.wait_for_any()
        inbox.wait(10.0)
    assert time.monotonic() - start < 5.0


def test_a_backlog_wakes_a_receiver_that_waits_for_its_time(monkeypatch):
    """Between two batches the receiver sleeps, but not while megabytes pile up."""
    monkeypatch.setattr(module, "_SLICE", 60.0)
    inbox = Inbox()
    inbox.put(1.0, b"x" * (module._BACKLOG // 2))
    inbox.put(1.0, b"x" * (module._BACKLOG // 2 + 1))
    start = time.monotonic()
    inbox.wait(60.0)
    assert time.monotonic() - start < 30.0


def test_little_does_not_wake_a_receiver_that_waits_for_its_time():
    """One token does not cost a wake-up of its own."""
    inbox = Inbox()
    inbox.put(1.0, b"x")
    assert inbox._wake.empty()


def test_a_drained_backlog_is_forgotten():
    """Only bytes that nobody took count."""
    inbox = Inbox()
    for _ in range(8):
        inbox.put(1.0, b"x" * (module._BACKLOG // 4))
        inbox.drain()
    assert inbox._wake.empty()


def test_no_time_is_no_wait():
    """A batch that is due now is not slept for."""
    inbox = Inbox()
    inbox.wait(0.0)
    inbox.wait(-1.0)
