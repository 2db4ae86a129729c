"""One run from its source to its sink: what is shown when, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from itertools import pairwise

from ipyllm import errors
from ipyllm.events import Finish, Notice, Progress, ReasoningDelta, StreamError, TextDelta
from ipyllm.run import inbox, pump
from ipyllm.run.batch import Batch
from ipyllm.run.coalesce import INTERVAL
from ipyllm.run.policy import Policy
from ipyllm.run.pump import Run
from ipyllm.run.reply import Reply
from ipyllm.run.sink import NullSink
from ipyllm.testing import FakeClock, ScriptedSource

LIMIT = 30.0  # seconds any wait of a test may take before it fails


class Recorder:
    """A sink that keeps what it is told, and tells a test when."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.batches: list[Batch] = []
        self.times: list[float] = []
        self.opened: list[Run] = []
        self.settled: list[tuple[Reply, str]] = []
        self.on_emit: Callable[[Batch], object] | None = None
        self._clock = clock

    def open(self, run: Run) -> None:
        self.opened.append(run)

    def emit(self, batch: Batch) -> None:
        self.batches.append(batch)
        if self._clock is not None:
            self.times.append(self._clock())
        if self.on_emit is not None:
            self.on_emit(batch)

    def settle(self, reply: Reply, note: str) -> None:
        self.settled.append((reply, note))

    @property
    def text(self) -> str:
        return "".join(
            text for batch in self.batches for channel, text in batch.pieces if channel == "text"
        )


def text(piece: str) -> bytes:
    return f'data: {{"choices":[{{"delta":{{"content":{json.dumps(piece)}}}}}]}}\n\n'.encode()


def end(reason: str = "stop") -> bytes:
    return f'data: {{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}\n\n'.encode()


DONE = b"data: [DONE]\n\n"


def pumped(source: ScriptedSource, sink: Recorder | None = None, **options) -> Reply:
    run = Run(source, sink or Recorder(), **options)
    run.start()
    return run.pump()


def test_an_answer_arrives_whole():
    """The reply has the text, the end, the model and the conversation; the sink saw the same."""
    sink = Recorder()
    asked = [{"role": "user", "content": "Hi"}]
    reply = pumped(ScriptedSource(text("Hel"), text("lo"), end(), DONE), sink, asked=asked)
    assert (reply, reply.finish_reason, reply.model) == ("Hello", "stop", "scripted/model")
    assert reply.messages == [*asked, {"role": "assistant", "content": "Hello"}]
    assert sink.text == "Hello"
    assert len(sink.opened) == 1


def test_events_need_no_decoding():
    """A source may deliver events in place of bytes."""
    reply = pumped(
        ScriptedSource([ReasoningDelta("hm")], [TextDelta("a"), Finish("length", "max")])
    )
    assert (reply, reply.reasoning, reply.finish_reason) == ("a", "hm", "length")


def test_the_first_token_is_shown_at_once_after_a_status():
    """A state shown a moment ago does not hold the first token; time stands still here."""
    clock, shown = FakeClock(), threading.Event()
    sink = Recorder()

    def on_emit(batch: Batch) -> None:
        if batch.pieces:
            shown.set()

    sink.on_emit = on_emit
    source = ScriptedSource([Notice("phase", "waiting")], [TextDelta("a")], shown, [Finish("stop")])
    assert pumped(source, sink, clock=clock) == "a"
    assert [batch.pieces for batch in sink.batches if batch.pieces] == [(("text", "a"),)]


def test_later_tokens_are_shown_an_interval_later():
    """While the clock stands still, no second batch goes out; the tokens wait for one batch."""
    clock, first = FakeClock(), threading.Event()
    sink = Recorder(clock)
    sink.on_emit = lambda batch: first.set() if batch.pieces else None
    tick = INTERVAL / 8
    steps = [
        step for i in range(16) for step in (lambda: clock.advance(tick), [TextDelta(str(i % 10))])
    ]
    pumped(ScriptedSource([TextDelta("a")], first, *steps, [Finish("stop")]), sink, clock=clock)
    assert sink.text == "a" + "".join(str(i % 10) for i in range(16))
    assert all(later - earlier > INTERVAL - 1e-9 for earlier, later in pairwise(sink.times[:-1]))


def test_no_more_than_one_batch_an_interval():
    """A thousand tokens as fast as they come are a few batches, an interval apart, and all of the text."""
    run = Run(ScriptedSource(*[text("x")] * 1000, end(), DONE), sink := Recorder())
    sink._clock = run._clock
    run.start()
    reply = run.pump()
    assert reply == sink.text == "x" * 1000
    # The time of a batch is taken a moment before it is emitted; the last one does not wait.
    assert all(later - earlier > INTERVAL - 0.02 for earlier, later in pairwise(sink.times[:-1]))
    assert reply.timing.tokens == 1000


def test_a_state_is_shown_before_any_token():
    """Waiting and prefill are batches of their own."""
    clock, sink = FakeClock(), Recorder()
    later = lambda: clock.advance(1)  # noqa: E731
    states: list[str | None] = []
    seen = [threading.Event(), threading.Event()]

    def on_emit(batch: Batch) -> None:
        states.append(batch.state)
        seen[min(len(states), 2) - 1].set()

    sink.on_emit = on_emit
    source = ScriptedSource(
        [Notice("phase", "waiting")],
        seen[0],
        later,
        [Progress(1, 2)],
        seen[1],
        later,
        [TextDelta("a"), Finish("stop")],
    )
    pumped(source, sink, clock=clock)
    assert states == ["waiting", "prefill", "streaming"]


def test_times_are_those_of_arrival():
    """A token's time is when its bytes came, not when they were decoded and shown."""
    clock = FakeClock()
    source = ScriptedSource(
        lambda: clock.advance(0.5),
        text("a"),
        lambda: clock.advance(0.25),
        text("b"),
        lambda: clock.advance(0.25),
        text("c") + end() + DONE,
        load=3.0,
    )
    timing = pumped(source, clock=clock).timing
    assert (timing.ttft, timing.ttfa, timing.total) == (0.5, 0.5, 1.0)
    assert list(timing.gaps) == [0.25, 0.25]
    assert timing.load == 3.0


def test_cancel_keeps_what_came():
    """A cancelled answer is interrupted, with all that had arrived."""
    gate = threading.Event()
    sink = Recorder()
    run = Run(ScriptedSource(text("Hel"), text("lo"), gate, text("!")), sink)
    sink.on_emit = lambda _: run.cancel() if sink.text == "Hello" else None
    run.start()
    reply = run.pump()
    assert (reply, reply.finish_reason, reply.error) == ("Hello", "interrupted", None)


def test_cancel_before_the_first_token():
    """Nothing came, and that is what the reply says."""
    running = threading.Event()
    source = ScriptedSource(running.set, threading.Event())
    run = Run(source, NullSink())
    run.start()
    assert running.wait(LIMIT)
    for _ in range(3):
        run.cancel()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("", "interrupted")
    assert source.cancelled.wait(LIMIT)


def test_cancel_before_the_source_began():
    """A cancel right after the start waits for nothing: the clock stands still, so nobody gives up."""
    run = Run(ScriptedSource(threading.Event()), NullSink(), clock=FakeClock())
    run.start()
    run.cancel()
    assert run.pump().finish_reason == "interrupted"


def test_cancel_keeps_what_no_batch_had_shown_yet():
    """What arrived within the last interval is in the reply and on the screen, too."""
    clock, arrived = FakeClock(), threading.Event()
    sink = Recorder()
    run = Run(
        ScriptedSource(text("a"), text("b"), arrived.set, threading.Event()), sink, clock=clock
    )
    run.start()
    assert arrived.wait(LIMIT)
    run.cancel()
    assert run.pump() == "ab"
    assert sink.text == "ab"


def test_cancel_after_the_proof_changes_nothing():
    """The finish_reason came: the answer is whole, whatever is done to the rest of the stream."""
    arrived = threading.Event()
    run = Run(ScriptedSource(text("a"), end(), arrived.set, threading.Event(), DONE), NullSink())
    run.start()
    assert arrived.wait(LIMIT)
    run.cancel()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("a", "stop")


def test_cancel_after_the_end_changes_nothing():
    """An end is an end."""
    run = Run(ScriptedSource(text("a"), end(), DONE), NullSink())
    run.start()
    assert run.pump().finish_reason == "stop"
    run.cancel()
    assert run.completion.finish == Finish("stop", "stop")


def test_an_error_keeps_the_text():
    """What broke is told in the reply; what had arrived stays."""
    lost = errors.ConnectionLost("x closed the connection before the answer was whole.")
    sink = Recorder()
    reply = pumped(ScriptedSource(text("Hel"), lost), sink)
    assert (reply, reply.finish_reason) == ("Hel", "error")
    assert reply.error == StreamError(
        "ConnectionLost", "x closed the connection before the answer was whole."
    )
    assert sink.text == "Hel"


def test_an_error_before_the_stream_has_its_status():
    """A refused request is an empty reply with the error in it."""
    refused = ScriptedSource(errors.RateLimited("Too many.", hint="Wait.", status=429))
    reply = pumped(refused, policy=Policy(retries=0))
    assert (reply, reply.finish_reason) == ("", "error")
    assert reply.error == StreamError("RateLimited", "Too many. Wait.", status=429)


def test_a_connection_lost_after_finish_reason_is_no_error():
    """The proof of the end was seen."""
    reply = pumped(ScriptedSource(text("a"), end("length"), errors.ConnectionLost("cut")))
    assert (reply, reply.finish_reason, reply.error) == ("a", "length", None)


def test_a_stream_that_ends_without_proof_is_truncated():
    """No exception, no finish_reason: cut off."""
    reply = pumped(ScriptedSource(text("Hel")))
    assert (reply, reply.finish_reason, reply.error) == ("Hel", "truncated", None)


def test_an_error_in_the_stream_ends_it():
    """The service's own error stays the error, whatever the connection does then."""
    raw = b'data: {"error":{"message":"Boom"}}\n\n'
    reply = pumped(ScriptedSource(text("a"), raw, errors.ConnectionLost("cut")))
    assert (reply, reply.finish_reason) == ("a", "error")
    assert reply.error is not None
    assert reply.error.message == "Boom"


def test_what_cannot_be_decoded_cancels_the_source(monkeypatch):
    """A stream over a limit is not read on; the text before it stays."""
    monkeypatch.setattr("ipyllm.wire.sse.MAX_LINE", 1000)
    source = ScriptedSource(text("a"), b"x" * 2000, threading.Event())
    reply = pumped(source)
    assert (reply, reply.finish_reason) == ("a", "error")
    assert reply.error is not None
    assert reply.error.kind == "ProtocolError"
    assert source.cancelled.wait(LIMIT)


def test_a_bug_of_a_source_loses_nothing_and_is_kept_to_be_raised():
    """What is no error of the service is raised only once what came is settled."""
    run = Run(ScriptedSource(text("a"), ZeroDivisionError("by zero")), NullSink())
    run.start()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("a", "error")
    assert reply.error is not None
    assert reply.error.message == "ZeroDivisionError: by zero"
    assert isinstance(run.bug, ZeroDivisionError)


def test_a_source_that_ignores_its_cancel_is_given_up():
    """After two seconds the reply is there, whatever the network does."""
    clock, gate, running = FakeClock(), threading.Event(), threading.Event()
    source = ScriptedSource(text("a"), running.set, gate, deaf=True)
    run = Run(source, NullSink(), clock=clock)
    run.start()
    assert running.wait(LIMIT)
    run.cancel()
    assert source.cancelled.wait(LIMIT)
    clock.advance(pump._GIVE_UP + 0.01)
    reply = run.pump()
    assert reply.finish_reason == "interrupted"
    assert not run._inbox.closed  # it did not end by itself
    gate.set()


def test_a_source_that_is_told_to_stop_gets_its_two_seconds():
    """What it still delivers while it stops is kept."""
    clock, gate, running = FakeClock(), threading.Event(), threading.Event()
    source = ScriptedSource(text("a"), running.set, gate, text("b"), deaf=True)
    run = Run(source, NullSink(), clock=clock)
    run.start()
    assert running.wait(LIMIT)
    run.cancel()
    clock.advance(pump._GIVE_UP - 0.01)
    assert source.cancelled.wait(LIMIT)
    gate.set()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("ab", "interrupted")


def test_a_response_left_open_after_the_end_is_let_go():
    """`[DONE]` came but the connection stays open: the reply is there, and the source is stopped."""
    source = ScriptedSource(text("a"), end(), DONE, threading.Event())
    reply = pumped(source)
    assert (reply, reply.finish_reason) == ("a", "stop")
    assert source.cancelled.wait(LIMIT)


def test_the_end_of_the_response_is_waited_for_a_moment():
    """A source that ends right after the end is not cancelled: its connection can be kept."""
    source = ScriptedSource(text("a"), end(), DONE)
    pumped(source, clock=FakeClock())  # the moment lasts as long as the clock stands still
    assert not source.cancelled.is_set()


def test_a_backlog_is_decoded_before_the_batch_is_due(monkeypatch):
    """Megabytes that come within one interval do not wait for its end."""
    monkeypatch.setattr(inbox, "_SLICE", 60.0)
    clock, seen = FakeClock(), threading.Event()
    run = Run(
        ScriptedSource(text("a"), *[text("x" * 1000)] * 600, seen, end(), DONE),
        NullSink(),
        clock=clock,
    )
    # The clock stands still: after the first batch no other is due, and only the backlog wakes.
    run.tee = lambda events: (
        seen.set() if len(events) == 1 and len(run.completion.text) > 100_000 else None
    )
    run.start()
    assert len(run.pump()) == 600_001


def test_every_view_of_a_run_sees_all_of_it():
    """A view that comes late gets what came before as one batch, then the rest."""
    gate, late = threading.Event(), Recorder()
    first = Recorder()
    run = Run(ScriptedSource(text("Hel"), text("lo"), gate, text("!"), end(), DONE), first)

    def join(_batch: Batch) -> None:
        if first.text == "Hello" and not late.opened:
            run.attach(late)
            gate.set()

    first.on_emit = join
    run.start()
    reply = run.pump()
    run.settle(reply, "note")
    assert late.text == first.text == reply == "Hello!"
    assert late.settled == first.settled == [(reply, "note")]


def test_nothing_comes_after_the_end():
    """What a source delivers after its Finish is nobody's."""
    run = Run(
        ScriptedSource([TextDelta("a")], [Finish("stop")], [TextDelta("b"), Finish("length")]),
        NullSink(),
    )
    seen: list[object] = []
    run.tee = seen.extend
    run.start()
    reply = run.pump()
    assert (reply, reply.finish_reason) == ("a", "stop")
    assert seen == reply.raw_events == [TextDelta("a"), Finish("stop")]


def test_the_tee_gets_every_event():
    """What reads along sees the same events as the reply keeps, also those of the end."""
    for source in (
        ScriptedSource(text("a"), end(), DONE),
        ScriptedSource(text("a")),
        ScriptedSource(text("a"), errors.ConnectionLost("cut")),
    ):
        run = Run(source, NullSink())
        seen: list[object] = []
        run.tee = seen.extend
        run.start()
        reply = run.pump()
        assert seen == reply.raw_events
        assert isinstance(seen[-1], Finish)


def test_timing_so_far_is_known_while_it_runs():
    """The strip's numbers can be asked for at any time."""
    clock, gate, sink = FakeClock(), threading.Event(), Recorder()
    run = Run(
        ScriptedSource(lambda: clock.advance(0.5), text("a"), gate, end(), DONE), sink, clock=clock
    )
    ttft: list[float | None] = []

    def on_emit(_batch: Batch) -> None:
        ttft.append(run.timing().ttft)
        gate.set()

    sink.on_emit = on_emit
    run.start()
    run.pump()
    assert ttft[-1] == 0.5


AT_ONCE = Policy(first=0.0)
OVERLOADED = b'data: {"error": {"type": "overloaded_error", "message": "Busy"}}\n\n'


def test_a_refused_request_is_made_again():
    """The answer is that of the second request; what was refused is only a notice."""
    sink = Recorder()
    source = ScriptedSource(errors.Overloaded("Busy.", status=529), text("Hel"), text("lo"), end())
    reply = pumped(source, sink, policy=AT_ONCE)
    assert (reply, reply.finish_reason, reply.error) == ("Hello", "stop", None)
    assert [batch.notice for batch in sink.batches if batch.notice] == [
        "overloaded; trying again in 0.0 s (1 of 3)"
    ]
    assert reply.timing.waited is not None


def test_an_error_event_before_the_first_token_is_tried_again():
    """Services say that they are overloaded inside a stream with status 200, too."""
    held_open = threading.Event()
    source = ScriptedSource(OVERLOADED, held_open, text("a"), end())
    reply = pumped(source, policy=AT_ONCE)
    assert (reply, reply.finish_reason, reply.error) == ("a", "stop", None)


def test_the_next_attempt_is_not_cancelled_with_the_last(monkeypatch):
    """A cancel is said again; to the attempt it was meant for."""
    monkeypatch.setattr(pump, "_CANCEL_AGAIN", 0.0)
    answered = threading.Event()
    source = ScriptedSource(OVERLOADED, threading.Event(), text("a"), answered, end())
    sink = Recorder()
    sink.on_emit = lambda batch: answered.set() if batch.pieces else None
    reply = pumped(source, sink, policy=Policy(first=0.05))
    assert (reply, reply.finish_reason) == ("a", "stop")


def test_nothing_is_tried_again_after_the_first_token():
    """What was shown cannot be unsaid."""
    reply = pumped(ScriptedSource(text("a"), OVERLOADED, text("b"), end()), policy=AT_ONCE)
    assert (reply, reply.finish_reason) == ("a", "error")


def test_text_that_comes_with_its_error_in_one_read_is_kept():
    """One read is no less than two."""
    reply = pumped(ScriptedSource(text("a") + OVERLOADED, text("b"), end()), policy=AT_ONCE)
    assert (reply, reply.finish_reason) == ("a", "error")


def test_the_last_failure_is_the_answers():
    """After the retries the error is what it was."""
    busy = [errors.Overloaded(f"Busy {n}.") for n in range(4)]
    reply = pumped(ScriptedSource(*busy), policy=AT_ONCE)
    assert reply.error is not None
    assert (reply.finish_reason, reply.error.message) == ("error", "Busy 3.")


def test_a_pause_is_interruptible():
    """A cancel between two attempts ends the answer at once; nothing is asked again."""
    asked_again = threading.Event()
    source = ScriptedSource(errors.Overloaded("Busy."), asked_again.set)
    sink = Recorder()
    run = Run(source, sink, policy=Policy(first=LIMIT, chance=lambda: 0.0))
    sink.on_emit = lambda batch: run.cancel() if batch.notice else None
    run.start()
    reply = run.pump()
    assert reply.finish_reason == "interrupted"
    assert not asked_again.is_set()
