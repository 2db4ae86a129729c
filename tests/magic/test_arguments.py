"""The magic's command line: what it takes, and one clear line for what it does not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.magic.arguments import CellArguments, HelpShown, parse_cell, usage

LINES = {
    "nothing": ("", CellArguments()),
    "several models": ("-m a/b -m c -m a/b", CellArguments(model="a/b", rivals=("c", "a/b"))),
    "model": ("-m openai/gpt-5", CellArguments(model="openai/gpt-5")),
    "long names": (
        (
            "--model a/b --output x --system 'Be brief.' --timeout 2.5 --bg --raw"
            " --base-url http://x/v1 --key-env K"
        ),
        CellArguments("a/b", "x", "Be brief.", {}, 2.5, True, True, "http://x/v1", "K"),
    ),
    "with equals signs": ("--model=a/b --system=", CellArguments(model="a/b")),
    "parameters are JSON": (
        """-p temperature=0 -p stop='["a", "b"]' -p x=null -p flag=true""",
        CellArguments(params={"temperature": 0, "stop": ["a", "b"], "x": None, "flag": True}),
    ),
    "parameters are else text": (
        "-p effort=low -p a=b=c -p e=",
        CellArguments(params={"effort": "low", "a": "b=c", "e": ""}),
    ),
    "the last parameter counts": ("-p n=1 -p n=2", CellArguments(params={"n": 2})),
    "a negative parameter": ("-p seed=-1", CellArguments(params={"seed": -1})),
    "a variable in any script": ("-o größe", CellArguments(output="größe")),
}


@pytest.mark.parametrize("line, arguments", LINES.values(), ids=LINES)
def test_a_line_is_read(line, arguments):
    """Flags short and long, quoted as in a shell."""
    assert parse_cell(line) == arguments


MISTAKES = {
    "a slip of the pen": ("--modle a/b", "'--modle' is not understood. Did you mean --model?"),
    "an unknown flag": ("--zzz", "'--zzz' is not understood. Known: "),
    "the prompt on the line": (
        "What is 6 times 7?",
        "'What' is not understood. The prompt goes below the %%llm line",
    ),
    "an open quote": ("-s 'Be brief", "Close the quote."),
    "no value": ("-m", "See %llm help."),
    "a thread of two": ("-m a/b -m c/d -c", "-c takes one -m."),
    "one address for two": ("-m a/b -m c/d --base-url http://x", "--base-url is for one -m."),
    "one key for two": ("-m a/b -m c/d --key-env K", "--key-env is for one -m."),
    "no variable name": ("-o 1x", "-o '1x' is no variable name."),
    "no parameter": ("-p temperature", "-p 'temperature' is not KEY=VALUE."),
    "a parameter without name": ("-p =1", "-p '=1' is not KEY=VALUE."),
    "no number of seconds": ("--timeout soon", "See %llm help."),
    "no time at all": ("--timeout 0", "--timeout takes seconds, more than 0."),
    "time that runs backwards": ("--timeout -1", "--timeout takes seconds, more than 0."),
    "no time known": ("--timeout nan", "--timeout takes seconds, more than 0."),
    "half a flag": ("--mod a/b", "Did you mean --model?"),
    "a value for a switch": ("--bg=yes", "See %llm help."),
}


@pytest.mark.parametrize("line, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence_and_a_way_out(line, said):
    """What is wrong, and the nearest right thing."""
    with pytest.raises(UsageError) as caught:
        parse_cell(line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["-h", "--help", "-m a/b -h"])
def test_help_is_shown(line):
    """It is no error, and it lists every flag."""
    with pytest.raises(HelpShown) as caught:
        parse_cell(line)
    assert str(caught.value) == usage()
    for flag in (
        "--model",
        "--output",
        "--system",
        "--param",
        "--timeout",
        "--bg",
        "--raw",
        "--base-url",
        "--key-env",
    ):
        assert flag in usage()


@given(
    st.text()
    | st.lists(
        st.sampled_from(["-m", "-p", "--bg", "--timeout", "a=1", "1", "-", "--", "'", "=", "-x"])
    ).map(" ".join)
)
def test_any_line_is_read_or_refused(line):
    """Nothing that is typed there ends in a traceback."""
    with contextlib.suppress(UsageError, HelpShown):
        assert isinstance(parse_cell(line), CellArguments)


@pytest.mark.parametrize("line", ['-p stop=["a"]', '-p format={"a":1}', "-p x=1e400"])
def test_a_value_that_lost_its_quotes_is_refused(line):
    """The shell-like line takes quotes away: `["a"]` would be sent as the text `[a]`."""
    with pytest.raises(UsageError, match="-p "):
        parse_cell(line)


def test_a_quoted_json_value_is_read():
    assert parse_cell("""-p 'stop=["a"]' -p top_k=NaN""").params == {"stop": ["a"], "top_k": "NaN"}


@pytest.mark.parametrize("name", ["class", "None"])
def test_a_keyword_is_no_variable(name):
    with pytest.raises(UsageError, match="no variable name"):
        parse_cell(f"-o {name}")
