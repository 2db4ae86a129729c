"""Which turns a thread has, and what is sent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.events import Finish, TextDelta
from ipyllm.magic.arguments import CellArguments, parse_cell
from ipyllm.magic.continuing import continuation
from ipyllm.magic.conversation import Threads
from ipyllm.magic.running_cell import RunningCell
from ipyllm.magic.thread_command import thread_command, threads_text, transcript
from ipyllm.run.completion import Completion
from ipyllm.run.metrics import Timing
from ipyllm.run.reply import Reply

MAIN = CellArguments(thread="main")


def replied(asked, text, reason="stop", *, model="llamacpp/x", before=""):
    completion = Completion(before)
    for event in ([TextDelta(text)] if text else []) + [Finish(reason)]:
        completion.add(event)
    return Reply.of(completion, Timing(), model=model, asked=asked)


def run(threads, owner, prompt, answer, arguments=MAIN, reason="stop"):
    """One cell; gives what was sent before its question."""
    draft = threads.draft(owner, arguments)
    before = draft.thread.before(draft.place)
    asked = [*before, {"role": "user", "content": prompt}]
    if draft.keep(replied(asked, answer, reason), len(asked)):
        threads.leave(owner, arguments.thread)
    return [message["content"] for message in before]


@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_run_all_ends_fresh_after_any_history(history):
    """However cells were run before, a Run All in the turns' order sends each with those before it."""
    threads = Threads()
    for cell in history:
        run(threads, cell, "old", "old")
    order = [*dict.fromkeys(history)]
    for number, cell in enumerate(order):
        before = run(threads, cell, f"q{cell}", f"a{cell}")
        assert before == [said for c in order[:number] for said in (f"q{c}", f"a{c}")]
    for thread in threads:
        assert thread.fresh == thread.turns


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12))
def test_a_cell_has_one_turn_and_later_ones_are_stale(history):
    threads = Threads()
    for cell in history:
        run(threads, cell, "q", "a")
    turns = threads.find("main").turns
    owners = [turn.owner for turn in turns]
    assert owners == [*dict.fromkeys(history)]
    last = owners.index(history[-1])
    assert all(turn.stale for turn in turns[last + 1 :])
    assert not turns[last].stale


def test_unanswered_calls_are_not_kept_and_made_up_ids_differ():
    threads = Threads()
    asked = [{"role": "user", "content": "q"}]
    call = {"id": "call_0_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    for owner in "ab":
        draft = threads.draft(owner, MAIN)
        sent = [*draft.thread.before(draft.place), *asked]
        reply = replied(sent, "text")
        result = {"role": "tool", "tool_call_id": "call_0_0", "content": "1"}
        said = {"role": "assistant", "content": "", "tool_calls": [call]}
        reply.messages[len(sent) :] = [said, result, said]
        draft.keep(reply, len(sent))
    messages = threads.find("main").messages
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"] * 2
    ids = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert ids == ["turn0_call_0_0", "turn1_call_0_0"]
    assert [m["tool_calls"][0]["id"] for m in messages if m["role"] == "assistant"] == ids


MISTAKES = {
    "no such thread": ("mian", "There is no thread 'mian'. Did you mean main?"),
    "no such verb": ("main burn", "is not understood"),
    "its own name": ("main fork main", "There is a thread 'main' already."),
    "no name": ("main fork 1x", "'1x' is no name for a thread."),
    "no folder": ("main export no/such/file.json", "Cannot write no/such/file.json"),
    "an open quote": ("main 'x", "Close the quote."),
    "nothing": ("", "Write %llm thread NAME"),
}


@pytest.mark.parametrize("words, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence(words, said):
    threads = Threads()
    run(threads, "a", "q", "a")
    with pytest.raises(UsageError) as caught:
        thread_command(threads, words, print, page=False)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_transcript_marks_what_is_stale_and_what_was_cut():
    threads = Threads()
    for owner in "aba":
        run(threads, owner, f"q{owner}", "first\n\nsecond", reason="interrupted")
    text = transcript(threads.find("main"))
    assert "qa\n\n**llamacpp/x · interrupted**\n\nfirst\n\nsecond" in text
    assert "**llamacpp/x · interrupted · stale: run its cell again**" in text
    assert "> second" in text
    assert threads_text(Threads()).startswith("There is no thread yet")


def test_forking_again_replaces_the_copies_only():
    threads = Threads()
    run(threads, "a", "q", "a")
    threads.fork("main", "other")
    run(threads, "b", "q2", "a2", CellArguments(thread="other"))
    copy = threads.fork("main", "other")
    assert [(turn.owner, turn.stale) for turn in copy.turns] == [("", False), ("b", True)]


@pytest.mark.parametrize("line, thread", [("-c", "main"), ("-c tutor", "tutor"), ("", "")])
def test_a_thread_is_named(line, thread):
    assert parse_cell(line).thread == thread


@pytest.mark.parametrize("name", ["1x", "a.b", "'a b'", "-c=x!"])
def test_a_name_is_a_word(name):
    with pytest.raises(UsageError):
        parse_cell(f"-c {name}")


CONTINUED = {
    "plainly": ("llamacpp/x", "Hello ", "Hello ", {}),
    "Anthropic takes no space at the end": ("anthropic/x", "Hello \n", "Hello", {}),
    "vLLM is told": (
        "vllm/x",
        "a",
        "a",
        {"continue_final_message": True, "add_generation_prompt": False},
    ),
    "what runs here": ("python/f", "a", "a", {}),
}


@pytest.mark.parametrize("model, text, sent, params", CONTINUED.values(), ids=CONTINUED)
def test_a_partial_answer_is_sent_as_the_last_message(model, text, sent, params):
    asked = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    going_on = continuation(replied(asked, text, "length"), model, where="it")
    request = going_on.request({"top_k": 1})
    assert request.system == "s"
    assert [*request.messages] == [asked[1], {"role": "assistant", "content": sent}]
    assert request.params == {"top_k": 1, **params}
    joined = replied(going_on.messages, " on", before=going_on.before)
    going_on.join(joined)
    assert str(joined) == joined.messages[-1]["content"] == sent + " on"
    assert joined.raw_events[0] == TextDelta(" on")


@pytest.mark.parametrize(
    "model, text, reason, said",
    [
        ("llamacpp/x", "a", "stop", "nothing to continue"),
        ("llamacpp/x", " ", "length", "no text at its end"),
        *((f"{name}/x", "a", "length", "These can: local") for name in ("openai", "gemini", "ws")),
    ],
)
def test_what_cannot_go_on_is_refused(model, text, reason, said):
    reply = replied([{"role": "user", "content": "q"}], text, reason)
    with pytest.raises(UsageError, match=said):
        continuation(reply, model, where="it")


def test_several_magics_in_one_execution_are_several_cells():
    parent = {"metadata": {"cellId": "c"}, "header": {"msg_id": "1"}}
    shell = SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda _channel: parent))
    running = RunningCell()
    assert [running.owner(shell) for _ in range(2)] == ["c", "c#1"]
    parent["header"] = {"msg_id": "2"}
    assert running.owner(shell) == "c"
    assert running.owner(None) == ""
