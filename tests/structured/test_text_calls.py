"""Prose and calls are told apart, wherever the text is cut, and nothing shown is taken back."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structured.text_calls_corpus import TOOLS, Case, cases, ordinary

from ipyllm.errors import UsageError
from ipyllm.events import Event, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart
from ipyllm.structured.text_calls import ALL, TextCalls

CASES = cases()
Call = tuple[str, str, bool]


def events(pieces: Iterable[str], tools: Collection[str] = TOOLS, **options) -> list[Event]:
    calls = TextCalls(tools, **options)
    out = [event for piece in pieces for event in calls.feed(piece)]
    return out + calls.close()


def told(out: Iterable[Event]) -> tuple[str, tuple[Call, ...]]:
    """The prose and the calls; and that the events come in order."""
    prose: list[str] = []
    calls: list[list] = []
    for event in out:
        match event:
            case TextDelta(text):
                assert text
                prose.append(text)
            case ToolCallStart(index, _, name):
                assert index == len(calls)
                calls.append([name, "", False])
            case ToolCallDelta(index, json):
                assert json
                assert index == len(calls) - 1
                assert not calls[index][2]
                calls[index][1] += json
            case ToolCallEnd(index):
                assert not calls[index][2]
                calls[index][2] = True
    return "".join(prose), tuple((name, json, ended) for name, json, ended in calls)


def wanted(case: Case, found: tuple[str, tuple[Call, ...]]) -> bool:
    if not case.by_value:
        return found == (case.prose, case.calls)
    values = [(name, json.loads(raw), ended) for name, raw, ended in found[1]]
    return found[0] == case.prose and values == [
        (name, json.loads(raw), ended) for name, raw, ended in case.calls
    ]


def test_the_corpus_is_large_and_no_text_is_there_twice():
    assert len(CASES) >= 300
    assert len({case.text for case in CASES}) == len(CASES)
    assert len({case.label for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_prose_and_calls(case):
    """Whole; character by character; and what was shown is never more than the prose."""
    assert wanted(case, told(events([case.text]))), told(events([case.text]))
    out: list[Event] = []
    calls = TextCalls(TOOLS)
    shown = ""
    for char in case.text:
        new = calls.feed(char)
        out += new
        shown += "".join(event.text for event in new if isinstance(event, TextDelta))
        assert case.prose.startswith(shown), shown
    out += calls.close()
    assert wanted(case, told(out)), told(out)


def test_no_cut_makes_a_difference():
    for case in CASES:
        whole = told(events([case.text]))
        for at in range(1, len(case.text)):
            assert told(events([case.text[:at], case.text[at:]])) == whole, (case.label, at)


@pytest.mark.parametrize(
    "before", ["<tool_call>\n", "<|python_tag|>", "[TOOL_CALLS] [", "", "```json\n"]
)
def test_arguments_come_as_they_are_written(before):
    calls = TextCalls(TOOLS)
    calls.feed(before + '{"name": "now", "arguments": ')
    given = [calls.feed(char) for char in '{"a": "hello", "b": [1']
    deltas = [event for out in given for event in out if isinstance(event, ToolCallDelta)]
    assert "".join(delta.json for delta in deltas) == '{"a": "hello", "b": [1'
    assert given.count([]) <= 1  # a `[` that may begin Mistral's next marker


def test_a_tag_s_text_comes_as_it_is_written():
    calls = TextCalls(TOOLS)
    begin = calls.feed("<function=write_file><parameter=text>\n")
    assert begin == [ToolCallStart(0, "call_0", "write_file"), ToolCallDelta(0, '{"text": ')]
    # The last line break is not the value's.
    given = [[ToolCallDelta(0, '"He')], [ToolCallDelta(0, 'l\\"')], [], [ToolCallDelta(0, "\\nlo")]]
    assert [calls.feed(piece) for piece in ("He", 'l"', "\n", "lo")] == given


def test_what_can_be_no_marker_any_more_is_shown_at_once():
    calls = TextCalls(TOOLS)
    assert calls.feed("a <tool_") == [TextDelta("a")]
    assert calls.feed("x") == [TextDelta(" <tool_x")]
    assert calls.feed("\n```json\n{") == []
    assert calls.feed('"city') == []
    assert calls.feed('"') == [TextDelta('\n```json\n{"city"')]


def test_a_fence_of_code_is_shown_as_it_comes():
    calls = TextCalls(TOOLS)
    assert calls.feed("```python\n") == [TextDelta("```python")]
    assert calls.feed("x = 1") == [TextDelta("\nx = 1")]


def test_without_tools_only_markers_make_calls():
    fenced = '```json\n{"name": "now", "arguments": {}}\n```'
    assert told(events([fenced], ())) == (fenced, ())
    marked = '<tool_call>{"name": "now", "arguments": {}}</tool_call>'
    assert told(events([marked], ())) == ("", (("now", "{}", True),))


@pytest.mark.parametrize("name", ALL)
def test_a_format_not_asked_for_is_prose(name):
    others = [other for other in ALL if other != name]
    texts = {
        "hermes": '<tool_call>{"name": "now", "arguments": {}}</tool_call>',
        "function": "<function=now>{}</function>",
        "llama": '<|python_tag|>{"name": "now", "parameters": {}}',
        "mistral": "[TOOL_CALLS]now[ARGS]{}",
        "deepseek": "<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>",
        "pythonic": "[now()]",
        "bare": '{"name": "now", "parameters": {}}',
        "fenced": '```json\n{"name": "now", "arguments": {}}\n```',
    }
    assert told(events([texts[name]], formats=others)) == (texts[name], ())
    assert told(events([texts[name]], formats=[name])) == ("", (("now", "{}", True),))


def test_an_unknown_format_is_an_error_that_names_the_known_ones():
    with pytest.raises(UsageError, match="No such format of tool calls: xml"):
        TextCalls(formats=["hermes", "xml"])


def test_a_schema_keeps_strings_strings():
    text = "<function=find><parameter=zip>10115</parameter><parameter=n>3</parameter></function>"
    schema = {"type": "object", "properties": {"zip": {"type": "string"}, "n": {"type": "integer"}}}
    assert told(events([text], {"find": schema}))[1] == (
        ("find", '{"zip": "10115", "n": 3}', True),
    )
    assert told(events([text], ["find"]))[1] == (("find", '{"zip": 10115, "n": 3}', True),)


def test_mistral_s_id_is_kept():
    started = events(["[TOOL_CALLS]now[CALL_ID]Ab3dEf9hI[ARGS]{}[TOOL_CALLS]now[ARGS]{}"])
    ids = [event.id for event in started if isinstance(event, ToolCallStart)]
    assert ids == ["Ab3dEf9hI", "call_1"]


# --- nothing is found where nothing is -----------------------------------------------------------


def test_ordinary_texts_come_out_as_they_are():
    texts = ordinary()
    assert len(texts) > 50
    dice = random.Random(7)
    for label, text in texts.items():
        places = sorted(dice.randrange(len(text) + 1) for _ in range(len(text) // 50))
        pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
        assert told(events(pieces)) == (text, ()), label


# --- laws ----------------------------------------------------------------------------------------

MORSELS = sorted(
    {
        word
        for case in CASES
        for word in re.findall(r"<[^ <>\n]{1,24}>|\[[A-Z_]+\]|\w+|\s+|.", case.text)
    }
)
OPENINGS = [
    "<tool_call>",
    "<function=now>",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "```json\n",
    "```",
    "`",
]
OPENINGS += [
    "<parameter=a>",
    "</parameter>",
    "</function>",
    "</tool_call>",
    "<｜tool▁calls▁begin｜>",
]
OPENINGS += [
    "<｜tool▁call▁begin｜>now<｜tool▁sep｜>",
    "<｜tool▁call▁end｜>",
    "[now(",
    "[ARGS]",
    "~~~",
    "\n",
]
OPENINGS += [
    '{"name": "now", ',
    '"arguments": ',
    '{"a": ',
    '"\\ud83d',
    "\\ude00",
    '"',
    "}",
    "{",
    "\\",
]
texts = st.lists(st.sampled_from(OPENINGS) | st.sampled_from(MORSELS), max_size=14).map("".join)


@given(texts, st.data())
def test_any_text_any_cut(text, data):
    whole = told(events([text]))
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    assert told(events(pieces)) == whole
    assert told(events(text)) == whole


@given(st.text())
def test_prose_is_prose(text):
    assert told(events(text)) == (text, ())


@pytest.mark.parametrize(
    "unit",
    [
        "word and word. ",
        "<tool_call>",
        '<tool_call>{"a": "',
        '{"name": "',
        "```json\n{",
        "`",
        "\n",
        "[TOOL_CALLS]",
        "<function=a><parameter=b>",
        "</parameter>\n",
        "\\",
        "<｜tool▁calls▁begin｜>",
        "[now(",
    ],
)
def test_no_text_takes_long(unit):
    """What is not decided may not be read again with every character."""
    text = unit * (60_000 // len(unit))
    assert told(events(text)) == told(events([text]))
