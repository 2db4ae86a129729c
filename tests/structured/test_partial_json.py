"""JSON read as it comes: the value at each cut, what is refused and where, and the edits between."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from random import Random
from typing import Any

import jiter
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structured.json_cases import (
    CUT,
    INVALID,
    VALID,
    generated,
    jiter_value,
    unlike_jiter,
    written,
)

from ipyllm.structured.edits import Begin, Edit, End, Grow, Name
from ipyllm.structured.partial_json import MAX_DEPTH, MAX_NUMBER, InvalidJson, PartialJson


def ways(text: str) -> Iterable[list[str]]:
    """A text whole, by character, and cut in two at every place."""
    yield [text]
    yield list(text)
    for at in range(1, len(text)):
        yield [text[:at], text[at:]]


def fed(
    pieces: list[str], parser: PartialJson | None = None
) -> tuple[PartialJson, list[Edit], InvalidJson | None]:
    parser, edits = parser or PartialJson(), []
    try:
        for piece in pieces:
            edits += parser.feed(piece)
        edits += parser.close()
    except InvalidJson as exc:
        return parser, edits + exc.edits, exc
    return parser, edits, None


def merged(edits: list[Edit]) -> list[tuple[Any, ...]]:
    """Edits as they would be had the text come in one piece and without escapes."""
    out: list[tuple[Any, ...]] = []
    for edit in edits:
        match edit:
            case Begin(path, kind, at):
                out.append(("begin", path, kind, at))
            case End(path, value, at):
                out.append(("end", path, repr(value), at))
            case Grow(path, text) | Name(path, text):
                kind = type(edit).__name__
                if out[-1][:2] == (kind, path) and not out[-1][3]:
                    text = out.pop()[2] + text
                out.append((kind, path, text, isinstance(edit, Name) and edit.whole))
    return out


@pytest.mark.parametrize("text", VALID)
def test_whole_text_is_what_json_reads(text):
    """However it is cut, a JSON text spells what `json.loads` reads, types and order included."""
    for pieces in ways(text):
        parser, _, error = fed(pieces)
        assert error is None
        assert repr(parser.value) == repr(json.loads(text))
        assert parser.complete
        assert parser.open == ()


@pytest.mark.parametrize("text", CUT)
def test_start_of_a_text_is_no_fault_until_it_ends(text):
    """What may go on is refused by `close` only, at its end."""
    for pieces in ways(text):
        parser, _, error = fed(pieces)
        assert error is not None
        assert error.at == len(text)
        assert error.message.startswith("The text ends ")
        assert not parser.complete


@pytest.mark.parametrize("text, at", INVALID.items(), ids=map(ascii, INVALID))
def test_bad_character_is_refused_when_it_comes(text, at):
    """A fault is told at its own character, never before and never after."""
    parser = PartialJson()
    parser.feed(text[:at])
    with pytest.raises(InvalidJson) as caught:
        parser.feed(text[at])
    assert caught.value.at == at
    for pieces in ways(text):
        _, _, error = fed(pieces)
        assert error is not None
        assert (error.at, error.message) == (at, caught.value.message)


@pytest.mark.parametrize("text", [*VALID, *CUT, *INVALID], ids=ascii)
def test_edits_are_the_same_however_the_text_is_cut(text):
    """Cuts only split names, strings and numbers; also before a fault."""
    _, whole, _ = fed([text])
    for pieces in ways(text):
        _, edits, _ = fed(pieces)
        assert merged(edits) == merged(whole)


FAULTS = {
    "no value": ("[1, x]", "'x' begins no value at $[1] (character 4)"),
    "NaN": (
        '{"a": NaN}',
        "'N' begins no value at $.a (JSON has no NaN, Infinity or None) (character 6)",
    ),
    "byte order mark": (
        "\ufeff{}",
        "A byte order mark (U+FEFF) comes before the JSON: leave it out (character 0)",
    ),
    "raw line end": (
        '{"a": ["b\n"]}',
        r"A raw control character is inside a string at $.a[0]: JSON writes it \n (character 9)",
    ),
    "raw NUL in a name": (
        '{"\0": 1}',
        r"A raw control character is inside a name in $: JSON writes it \u0000 (character 2)",
    ),
    "no escape": (
        r'{"a b": "\x"}',
        "'x' is not how an escape goes on, inside a string at $['a b'] (character 10)",
    ),
    "half a number": (
        "[1.]",
        "']' is not how a number goes on, inside a number at $[0] (character 3)",
    ),
    "half a constant": (
        "[nil]",
        "'i' is not how a constant goes on, inside null at $[0] (character 2)",
    ),
    "comma before a bracket": (
        "[[1,]]",
        "A comma comes before ']', inside the array at $[0] (character 4)",
    ),
    "comma before a brace": (
        '{"a":1,}',
        "A comma comes before '}', inside the object at $ (character 7)",
    ),
    "no comma": (
        '{"a":[1 2]}',
        "'2' is where ',' or ']' has to be, inside the array at $.a (character 8)",
    ),
    "no colon": ('{"a" 1}', "'1' is where ':' has to be, before the value at $.a (character 5)"),
    "no name": (
        "{a:1}",
        "'a' is where a name in double quotes has to begin, inside the object at $ (character 1)",
    ),
    "more": ("{}\n```", "'`' comes after the whole value (character 3)"),
    "cut in a string": ('{"a":[1,2,"x', "The text ends inside a string at $.a[2] (character 12)"),
    "cut in a name": ('[{"a', "The text ends inside a name in $[0] (character 4)"),
    "cut in a number": ("-", "The text ends inside a number at $ (character 1)"),
    "cut in a constant": ("tru", "The text ends inside true at $ (character 3)"),
    "cut in an object": ('{"a":1', "The text ends inside a number at $.a (character 6)"),
    "cut between": ("[{},", "The text ends inside the array at $ (character 4)"),
    "nothing": (" ", "The text ends before any value (character 1)"),
}


@pytest.mark.parametrize("text, said", FAULTS.values(), ids=FAULTS)
def test_fault_is_one_sentence(text, said):
    """A fault says what was seen, and where in the value."""
    assert str(fed([text])[2]) == said


def test_fault_keeps_what_came_before_it():
    """The edits of the same feed come with the error, and the value stays."""
    parser = PartialJson()
    with pytest.raises(InvalidJson) as caught:
        parser.feed('{"a": "b", oh')
    assert caught.value.edits == PartialJson().feed('{"a": "b", ')
    assert parser.value == {"a": "b"}


def test_fault_is_told_again():
    """After a fault nothing more is read; its edits are given once."""
    parser = PartialJson()
    for more in (lambda: parser.feed("[1,]"), lambda: parser.feed("2]"), parser.close):
        with pytest.raises(InvalidJson, match=r"A comma comes before"):
            more()
    with pytest.raises(InvalidJson) as caught:
        parser.close()
    assert (caught.value.at, caught.value.edits) == (3, [])


# What jiter says of each start of a text, and what we say. All others are the same.
UNLIKE_JITER = {
    # jiter raises where nothing is there yet; a property had better not.
    "nothing": ("", None, None),
    "only a minus": ("-", None, None),
    "half a number alone": ("1.", None, None),
    "half a constant alone": ("tru", None, None),
    # jiter has no strings with half a surrogate pair; `json.loads` has.
    "half a pair": (r'["\ud83d"', "refuses", ["\ud83d"]),
    "low half": (r'["\ude00', "refuses", ["\ude00"]),
    # They are no JSON, and pages cannot read them.
    "NaN": ("[NaN", [float("nan")], "refuses"),
    "Infinity": ("[Infinity", [float("inf")], "refuses"),
    "-Infinity": ("[-Infinity", [float("-inf")], "refuses"),
    # jiter looks at no more once it has a value it can give.
    "after the value": ("[] x", [], "refuses"),
    "no comma": ("[1 2", [1], "refuses"),
    "no comma in an object": ('{"a":1 "', {"a": 1}, "refuses"),
    "other bracket": ("[1}", [1], "refuses"),
    "point after a number": ("[1.5.", [1.5], "refuses"),
    "constant too long": ("nulll", None, "refuses"),
    # jiter takes four characters for the digits of an escape before it looks at them.
    "bad escape": (r'["a\u0g', ["a"], "refuses"),
    # jiter's limit is one higher.
    "depth": ("[" * 201, json.loads("[" * 201 + "]" * 201), "refuses"),
    # Python itself would take a float that long; one limit for all numbers is simpler.
    "long float": ("[0." + "1" * 4300, [0.1111111111111111], "refuses"),
}


@pytest.mark.parametrize("text, theirs, ours", UNLIKE_JITER.values(), ids=UNLIKE_JITER)
def test_where_it_is_not_like_jiter(text, theirs, ours):
    """The starts of texts of which jiter says something else, each for a reason."""
    try:
        seen = jiter_value(text)
    except ValueError:
        seen = "refuses"
    assert repr(seen) == repr(theirs)
    parser = PartialJson()
    try:
        parser.feed(text)
        assert repr(parser.value) == repr(ours)
    except InvalidJson:
        assert ours == "refuses"


def test_jiter_has_nothing_where_we_have_none():
    """It raises; that is what `jiter_value` makes None of."""
    for text in ("", "-", "tru", "1."):
        with pytest.raises(ValueError, match="EOF"):
            jiter.from_json(text.encode(), partial_mode="trailing-strings")


def test_value_is_jiters_at_every_prefix():
    """10,000 values: at each prefix of the short ones, at some of the others."""
    dice = Random(25)
    for _ in range(10_000):
        text = written(generated(dice), dice)
        places: Iterable[int] = range(len(text) + 1)
        if len(text) > 40:
            places = sorted(dice.sample(places, 20))
        assert not unlike_jiter(text, places)


_WHOLE_PAIRS = [
    text for text in (*VALID, *CUT) if "\\ud" not in text.lower() and "\ud83d" not in text
]


@pytest.mark.parametrize("text", _WHOLE_PAIRS)
def test_small_texts_are_jiters_at_every_prefix(text):
    """Also the odd ones, in both of jiter's modes."""
    for mode, name in (("trailing-strings", "value"), (True, "settled")):
        parser = PartialJson()
        for end in range(len(text) + 1):
            parser.feed(text[end - 1 : end] if end else "")
            assert repr(getattr(parser, name)) == repr(jiter_value(text[:end], mode))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(_JSON, st.data())
def test_any_value_cut_anywhere(value, data):
    """Any value, written in any way and cut anywhere, is jiter's at each cut, and whole at the end."""
    value = json.loads(json.dumps(value).replace("Infinity", "1e999"))
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans())).replace("Infinity", "1e999")
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    assert not unlike_jiter(text, [*places, len(text)])
    replay(text, fed(_pieces(text, places))[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from('{}[]",:\\u0aAeE+-.1 tfnrNI\n'), max_size=12).map("".join))
def test_garbage_is_what_json_refuses(text):
    """A text is taken if and only if `json.loads` takes it (NaN and Infinity cannot be drawn)."""
    parser, _, error = fed(list(text))
    try:
        expected = json.loads(text)
    except ValueError:
        assert error is not None
    else:
        assert error is None
        assert repr(parser.value) == repr(expected)


# Edits.


def replay(text: str, edits: list[Edit]) -> Any:
    """Build the value from edits alone, and hold each to what it says of itself."""
    top: list[Any] = []
    open_: list[Any] = []  # values that have begun: [path, kind, value or text]
    name, last = "", 0
    for edit in edits:
        assert edit.at >= last
        last = edit.at
        match edit:
            case Begin(path, kind, at):
                assert path == _entry(open_)
                begins = {"object": "{", "array": "[", "string": '"'}.get(kind)
                assert text[at] == begins if begins else text[at] in "-0123456789tfn"
                open_.append([path, kind, {"object": {}, "array": []}.get(kind, "")])
            case Name(path, piece, _, whole):
                assert path == open_[-1][0]
                name += piece
                if whole:
                    open_[-1].append(name)
                    name = ""
                else:
                    assert piece
            case Grow(path, piece, at):
                assert piece
                assert path == open_[-1][0]
                assert open_[-1][1] in {"string", "number"}
                open_[-1][2] += piece
                assert (
                    text[at : at + len(piece)] == piece
                    or text[at - 1] == "\\"
                    or _is_escape(text, at)
                )
            case End(path, value, _):
                began, kind, built, *_ = open_.pop()
                assert path == began
                if kind not in {"object", "array", "string"}:
                    built = json.loads(built or kind)
                assert repr(built) == repr(value)
                _put(open_[-1] if open_ else None, built, top)
    return top


def _entry(open_: list[Any]) -> tuple[Any, ...]:
    if not open_:
        return ()
    path, kind, value, *names = open_[-1]
    return (*path, names[-1] if kind == "object" else len(value))


def _put(home: Any, built: Any, top: list[Any]) -> None:
    if home is None:
        top.append(built)
    elif home[1] == "object":
        home[2][home[-1]] = built
    else:
        home[2].append(built)


def _is_escape(text: str, at: int) -> bool:
    return text[at - 5 : at - 3] == "\\u"


@pytest.mark.parametrize("text", VALID)
def test_edits_build_the_value(text):
    """Beginnings, pieces and ends, put together again, are the value; offsets never go back."""
    for pieces in ([text], list(text)):
        assert repr(replay(text, fed(pieces)[1])) == repr([json.loads(text)])


def test_edits_of_a_small_text():
    """All of them, once, as they are."""
    parser = PartialJson()
    assert parser.feed('{"a": "b\\nc') == [
        Begin((), "object", 0),
        Name((), "a", 2, whole=True),
        Begin(("a",), "string", 6),
        Grow(("a",), "b", 7),
        Grow(("a",), "\n", 9),
        Grow(("a",), "c", 10),
    ]
    assert parser.open == ("a",)
    assert parser.feed('", "d') == [End(("a",), "b\nc", 11), Name((), "d", 15, whole=False)]
    assert parser.open == ()
    assert parser.feed('": [1') == [
        Name((), "", 16, whole=True),
        Begin(("d",), "array", 19),
        Begin(("d", 0), "number", 20),
        Grow(("d", 0), "1", 20),
    ]
    assert parser.open == ("d", 0)
    assert parser.feed("2, nu") == [
        Grow(("d", 0), "2", 21),
        End(("d", 0), 12, 22),
        Begin(("d", 1), "null", 24),
    ]
    assert parser.feed("ll]}") == [
        End(("d", 1), None, 27),
        End(("d",), [12, None], 28),
        End((), {"a": "b\nc", "d": [12, None]}, 29),
    ]
    assert parser.close() == []


def test_surrogate_escapes_are_one_piece():
    """Half a pair waits for its other half; one that stays alone keeps its own offset."""
    parser = PartialJson()
    assert parser.feed(r'"\ud83d') == [Begin((), "string", 0)]
    assert parser.value == ""
    assert parser.feed(r"\ude") == []
    assert parser.feed("00") == [Grow((), "😀", 12)]
    assert parser.feed(r"\ud83d") == []
    assert parser.feed("x") == [Grow((), "\ud83d", 18), Grow((), "x", 19)]


def test_number_alone_ends_with_the_text():
    """Only `close` knows that no digit follows."""
    parser = PartialJson()
    parser.feed("12")
    assert (parser.value, parser.complete) == (12, False)
    assert parser.close() == [End((), 12, 2)]
    assert (parser.value, parser.complete) == (12, True)
    assert parser.close() == []


def test_no_edits_for_those_who_want_none():
    """`edits=False`: the same values and faults, and no edits."""
    for text in (*VALID, *CUT, *INVALID):
        with_edits, _, error = fed(list(text))
        parser, edits, same = fed(list(text), PartialJson(edits=False))
        assert (str(same), edits) == (str(error), [])
        assert repr(parser.value) == repr(with_edits.value)
        assert parser.open == with_edits.open


# The value.


def test_value_is_one_object_that_grows():
    """The containers stay the same; a copy stays as it was."""
    parser = PartialJson()
    parser.feed('{"rows": [{"a": "x')
    value, rows = parser.value, parser.value["rows"]
    kept = copy.deepcopy(value)
    parser.feed('y"}, 1')
    assert parser.value is value
    assert value["rows"] is rows
    assert (value, kept) == ({"rows": [{"a": "xy"}, 1]}, {"rows": [{"a": "x"}]})


def test_number_that_cannot_end_is_not_shown():
    """`1` may be all; `1.` may not, and what it stood for is back; `1.5` may again."""
    parser = PartialJson()
    seen = []
    for piece in ('{"a": "old", "a": 1', ".", "5", "e", "3", "}"):
        parser.feed(piece)
        seen.append(copy.deepcopy(parser.value))
    assert [value["a"] for value in seen] == [1, "old", 1.5, "old", 1500.0, 1500.0]


def test_settled_has_no_open_string():
    """A string is there once it is whole; what it will take the place of stays until then."""
    parser = PartialJson()
    parser.feed('{"a": [1], "a": "x')
    assert parser.settled == {"a": [1]}
    assert parser.value == {"a": "x"}
    assert parser.settled == {"a": [1]}
    parser.feed('"')
    assert parser.settled == {"a": "x"}


def test_value_does_not_depend_on_how_often_it_is_read():
    """A look changes nothing: long strings, read at each piece, come out whole."""
    text = json.dumps({"a": "\u20acxyz\n" * 500, "b": ["\\" * 300]})
    parser = PartialJson()
    for char in text:
        parser.feed(char)
        assert parser.value is not None
    assert parser.value == json.loads(text)


# Limits.


def test_depth_has_a_limit():
    """MAX_DEPTH containers within one another are read, and not one more."""
    whole = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert fed([whole])[0].value == json.loads(whole)
    copy.deepcopy(fed([whole])[0].value)
    for text in ("[" * 10_000, '{"a":' * 10_000, '[{"a":' * 10_000):
        for pieces in ([text], list(text)):
            _, _, error = fed(pieces)
            assert error is not None
            assert error.message == "More than 200 arrays and objects are within one another"
            assert (
                text[: error.at + 1].count("[") + text[: error.at + 1].count("{") == MAX_DEPTH + 1
            )


def test_numbers_have_a_limit():
    """MAX_NUMBER characters and a minus are read, and not one more."""
    digits = "9" * MAX_NUMBER
    for text in (digits, "-" + digits, "0." + digits[2:], "1e" + "0" * (MAX_NUMBER - 2)):
        assert repr(fed([text])[0].value) == repr(json.loads(text))
        for pieces in ([text + "0]"], [*text, "0", "]"]):
            _, edits, error = fed(pieces)
            assert error is not None
            assert error.at == len(text)
            assert "".join(edit.text for edit in edits if isinstance(edit, Grow)) == text


def _pieces(text: str, places: Iterable[int]) -> list[str]:
    ends = [*places, len(text)]
    return [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
