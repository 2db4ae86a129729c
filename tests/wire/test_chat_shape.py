"""Messages in the shape of OpenAI's chat, taken apart."""

from __future__ import annotations

import pytest

from ipyllm.errors import UsageError
from ipyllm.wire.chat_shape import Media, arguments, calls, function, media, names, parts, words

TEXT = {"type": "text", "text": "a"}


@pytest.mark.parametrize(
    "content, found",
    [
        (None, []),
        ("", []),
        ("a", [TEXT]),
        ([TEXT, "a"], [TEXT, TEXT]),
        ([{"fileData": {}}], [{"fileData": {}}]),
    ],
)
def test_a_message_consists_of_parts(content, found):
    assert parts(content) == found


@pytest.mark.parametrize("content", [3, {"type": "text"}, [3]])
def test_what_consists_of_no_parts_is_said(content):
    with pytest.raises(UsageError, match="a list of parts"):
        parts(content)


def test_words_are_text_and_nothing_else():
    assert words([TEXT, TEXT], "It") == "a\na"
    with pytest.raises(UsageError, match="It has no place for a message part of type 'image'"):
        words([{"type": "image"}], "It")


@pytest.mark.parametrize(
    "part, found",
    [
        (TEXT, None),
        ({"type": "image_url", "image_url": "https://x"}, Media(url="https://x")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            Media("image/png", "AA"),
        ),
        (
            {"type": "file", "file": {"file_data": "data:a/b;x=y;base64,AA", "filename": "f"}},
            Media("a/b", "AA", name="f"),
        ),
        ({"type": "file", "file": {"file_id": "f"}}, None),
        ({"type": "input_audio", "input_audio": {"data": "AA"}}, Media("audio/wav", "AA")),
    ],
)
def test_a_part_may_be_a_picture_a_sound_or_a_file(part, found):
    assert media(part) == found


@pytest.mark.parametrize("url", ["data:", "data:image/png,AA", "data:image/png;base64,"])
def test_a_data_url_without_base64_is_said(url):
    with pytest.raises(UsageError, match="base64"):
        media({"type": "image_url", "image_url": {"url": url}})


def call(arguments: object) -> dict[str, object]:
    return {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": arguments}}]}


@pytest.mark.parametrize(
    "given, found",
    [(None, {}), ("", {}), (" ", {}), ("{}", {}), ('{"a": 1}', {"a": 1}), ({"a": 1}, {"a": 1})],
)
def test_the_arguments_of_a_call_are_an_object(given, found):
    (one,) = calls(call(given))
    assert (one.id, one.name, one.arguments) == ("c", "f", found)
    assert names([call(given)]) == {"c": "f"}


@pytest.mark.parametrize(
    "given",
    ['{"a', "[]", "3", [], 3, "[" * 100_000],
    ids=["cut", "list", "number", "a list", "a number", "deep"],
)
def test_arguments_that_are_none_are_said(given):
    with pytest.raises(UsageError, match=r"The arguments of the call of 'f'.{,90}$"):
        calls(call(given))


def test_arguments_become_text_that_can_be_sent_on():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert arguments({"a": "é\ud83d"}) == '{"a": "é\ufffd"}'
    assert arguments('{"a"') == '{"a"'
    assert arguments(deep) == ""


def test_a_function_is_found_nested_and_flat():
    nested = {"type": "function", "function": {"name": "f"}}
    flat = {"type": "function", "name": "f"}
    assert function(nested) == {"name": "f"}
    assert function(flat) == flat
    assert function({"type": "web_search"}) is None
