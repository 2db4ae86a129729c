"""`{name}` in a prompt, where `name` is a variable of the notebook."""

from __future__ import annotations

import base64
import datetime as dt
import math
from random import Random
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipyllm.errors import UsageError
from ipyllm.magic.attachments import MAX_IMAGES, MAX_TEXT_FILE
from ipyllm.magic.interpolate import filled, interpolate
from ipyllm.magic.reading import Names

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
IMAGE = {"type": "image_url", "image_url": {"url": URL}}


class Order:
    total = 12.5
    lines = ("tea", "milk")
    _note = "private"
    kind = int

    def pay(self):
        return "paid"

    @property
    def broken(self):
        raise OSError("no connection")


class Sour:
    def __str__(self):
        raise ValueError("no words")


NAMES = {
    "x": 42,
    "text": "a {x} b {x.real} {{x}}",
    "größe": "groß",
    "_1": "one",
    "nothing": None,
    "empty": "",
    "price": 12.3456,
    "name": "Ann",
    "order": Order(),
    "sour": Sour(),
    "person": {"name": "Ann", "tags": ["a", "b"], 3: "three"},
    "now": dt.date(2026, 1, 2),
    "math": math,
    "f": lambda: 1,
    "kind": int,
    "_secret": "hidden",
    "__name__": "__main__",
}
HISTORY = {"In": ["", "1/0", "x"], "Out": {2: 42}, "Err": {1: "ZeroDivisionError: division"}}
KNOWN = Names(NAMES, {"_secret"}, HISTORY)

CASES = {
    "a variable": ("{x} apples", "42 apples"),
    "twice": ("{x}{x}", "4242"),
    "what is put in is not looked at again": ("<{text}>", "<a {x} b {x.real} {{x}}>"),
    "any script": ("{größe}", "groß"),
    "None and empty": ("{nothing}{empty}", "None"),
    "an underscore": ("{_1}", "one"),
    "doubled braces": ("{{x}}", "{x}"),
    "doubled braces around a path": ("{{x.real}}", "{x.real}"),
    "doubled braces of no variable": ("{{y}}", "{{y}}"),
    "three braces": (r"\frac{{{x}}}{2}", r"\frac{42}{2}"),
    "four braces": ("{{{{x}}}}", "{{{{x}}}}"),
    "more braces on the right": (r"\a{\b{x}}", r"\a{\b42}"),
    "more braces on the left": ("{{x}", "{42"),
    "an attribute": ("{order.total} and {x.real}", "12.5 and 42"),
    "items": ("{person[\"name\"]}{person['name']}{person[3]}", "AnnAnnthree"),
    "a chain": ('{person["tags"][-1]}{order.lines[0]}', "btea"),
    "a format": ("{x:>5} {price:.2f} {x!r} {name!r:>6}", "   42 12.35 42  'Ann'"),
    "a date": ("{now:%Y-%m-%d}", "2026-01-02"),
    "the history": ("{In[1]} {Out[2]} {Err[1]}", "1/0 42 ZeroDivisionError: division"),
    "the history without a number": ("{In} {Out} {Err} {Out.x}", "{In} {Out} {Err} {Out.x}"),
    "an unknown name": ("{y} {y.z} {y[0]}", "{y} {y.z} {y[0]}"),
    "JSON": ('{"x": 1}', '{"x": 1}'),
    "nearly JSON": ("{x: 1}", "{x: 1}"),
    "code": ("def f(): { return x; }", "def f(): { return x; }"),
    "a set": ("{x, y}", "{x, y}"),
    "spaces": ("{ x } {x } {x .real}", "{ x } {x } {x .real}"),
    "a number": ("{0}", "{0}"),
    "nothing in braces": ("{}", "{}"),
    "a call": ("{order.pay()} {f()}", "{order.pay()} {f()}"),
    "a method": ("{order.pay}", "{order.pay}"),
    "operators and slices": ("{x+1} {text[0:2]} {text[x]}", "{x+1} {text[0:2]} {text[x]}"),
    "a nested format": ("{price:{x}}", "{price:42}"),
    "a giant width": ("{x:99999}", "{x:99999}"),
    "a module, a function, a type": ("{math}{math.pi}{f}{kind}", "{math}{math.pi}{f}{kind}"),
    "a type on the way": ("{order.kind}", "{order.kind}"),
    "private": ("{order._note}", "{order._note}"),
    "Python's own names": ("{__name__}{x.__class__}", "{__name__}{x.__class__}"),
    "a hidden name": ("{_secret}", "{_secret}"),
    "an open brace": ("{x", "{x"),
    "a property that raises": ("{order.broken}", "{order.broken}"),
    "a value without words": ("{sour}", "{sour}"),
    "a wrong format": ("{name:.2f}", "{name:.2f}"),
    "LaTeX": (r"\frac{a}{b}", r"\frac{a}{b}"),
}


@pytest.mark.parametrize("prompt, sent", CASES.values(), ids=CASES)
def test_a_prompt_is_filled_in(prompt, sent):
    """Live references and nothing else."""
    assert filled(prompt, KNOWN).text == sent


@pytest.mark.parametrize("prompt, _", CASES.values(), ids=CASES)
def test_raw_text_is_sent_as_it_is(prompt, _):
    """Whatever is in it."""
    prompt_ = filled(prompt, KNOWN, raw=True)
    assert (prompt_.text, prompt_.hints, prompt_.references) == (prompt, (), ())


HINTS = {
    "a near name": (
        "{pirce}",
        "`{pirce}` was left as it is: there is no `pirce`; did you mean `price`?",
    ),
    "a near name with a path": (
        "{pirce.x}",
        "`{pirce.x}` was left as it is: there is no `pirce`; did you mean `price`?",
    ),
    "no attribute": ("{order.nix}", "has no attribute 'nix'"),
    "a property": ("{order.broken}", "`{order.broken}` was left as it is: OSError: no connection."),
    "no key": ('{person["nix"]}', "KeyError: 'nix'"),
    "no item": ("{x[0]}", "not subscriptable"),
    "private": ("{order._note}", "begin with an underscore"),
    "a method": ("{order.pay}", "nothing is called"),
    "no words": ("{sour}", "ValueError: no words"),
    "a format": ("{name:.2f}", "ValueError"),
    "no such cell": ("{In[30]}", "IndexError"),
}


@pytest.mark.parametrize("prompt, said", HINTS.values(), ids=HINTS)
def test_what_was_left_is_said(prompt, said):
    """Once for each, with the reason."""
    sent = filled(prompt * 2, KNOWN)
    assert sent.text == prompt * 2
    (hint,) = sent.hints
    assert said in hint


def test_what_is_no_slip_of_the_pen_has_no_hint():
    """Short names, templates, code, and names nobody meant."""
    for text in ("{y}", "{{ pirce }}", "{{pirce}}", "{zebra}", '{"price": 1}', "{math}", "{Out}"):
        assert filled(text, KNOWN).hints == ()


def test_many_hints_are_few():
    """Nobody reads more."""
    text = "".join(f"{{order.a{n}}}" for n in range(20))
    hints = filled(text, KNOWN).hints
    assert len(hints) == 6
    assert hints[-1] == "And 15 more of the kind."


def test_a_hidden_name_with_another_value_is_the_users():
    """As IPython's own `%who` has it."""
    names = {"_": 5, "_3": 5, "exit": "way out"}
    assert interpolate("{_} {_3} {exit}", names, {"_3": 5, "exit": math}) == "{_} {_3} way out"


def test_a_variable_of_the_user_goes_before_the_history():
    """Err is a name like any other."""
    names = Names({"Err": ["a", "mine"]}, (), HISTORY)
    assert filled("{Err[1]}", names).text == "mine"


def test_references_say_where_values_stand():
    """Every stretch is the text of its name."""
    sent = filled("Dear {name}, {x:>5} for {{x}}{person['tags'][0]}.", KNOWN)
    found = [(name, sent.text[start:end]) for start, end, name in sent.references]
    assert found == [("name", "Ann"), ("x:>5", "   42"), ("person['tags'][0]", "a")]


def test_a_frame_is_a_table_with_its_rows_counted():
    """In lines of its own."""
    frame = pd.DataFrame({"a": range(1000)})
    sent = filled("Look: {frame} and go.", Names({"frame": frame}))
    assert sent.text.startswith("Look: \n\n|  | a |\n| --- | --- |\n| 0 | 0 |\n")
    assert sent.text.endswith("… 950 more rows\n\n and go.")
    assert sent.hints == ("`{frame}` was cut: … 950 more rows.",)
    assert filled("{frame!s}", Names({"frame": frame})).text == str(frame)


def test_a_large_array_is_shortened():
    """With its shape and type; a small one is as Python shows it."""
    names = Names({"big": np.zeros((100, 100)), "small": np.arange(3)})
    assert filled("{small}", names).text == "[0 1 2]"
    sent = filled("{big}", names)
    assert sent.text.endswith("(100 x 100, float64)")
    assert len(sent.text) < 500


def test_a_long_value_is_whole_and_said_to_be_long():
    """Nothing of it is cut."""
    sent = filled("{log}", Names({"log": "x" * 100_001}))
    assert sent.text == "x" * 100_001
    assert sent.hints == ("`{log}` was put in with 100,001 characters.",)


def test_a_picture_is_a_part_where_it_stands():
    """Text, picture, text; and its reference has no length."""
    sent = filled("See {fig}, {x}!", Names({"fig": PNG, "x": 1}))
    assert sent.content == [
        {"type": "text", "text": "See "},
        IMAGE,
        {"type": "text", "text": ", 1!"},
    ]
    assert sent.text == "See , 1!"
    assert sent.references == ((4, 4, "fig"), (6, 7, "x"))


def test_pictures_together_are_limited():
    """And the error says by what."""
    big = PNG + bytes(MAX_IMAGES // 2)
    with pytest.raises(
        UsageError, match=r"The image b has 10 MB beside the 10 MB before it; .*20 MB"
    ):
        filled("{a}{b}", Names({"a": big, "b": big}))


def test_a_path_is_the_file_it_names(tmp_path):
    """Its text in a fence; a path to nowhere is a text."""
    (tmp_path / "a.py").write_text("print('```')\n")
    names = Names({"p": tmp_path / "a.py", "gone": tmp_path / "gone"})
    assert filled("Explain {p}", names).text == "Explain \n\n`a.py`:\n\n````\nprint('```')\n````"
    assert filled("{gone}", names).text == str(tmp_path / "gone")
    assert filled("{p!s}", names).text == str(tmp_path / "a.py")


def test_attachments_follow_the_text(tmp_path):
    """Files and names, in their order."""
    (tmp_path / "a.txt").write_text("hello {x}")
    (tmp_path / "b.dat").write_bytes(PNG)
    files = [str(tmp_path / "a.txt"), str(tmp_path / "b.dat"), "order.lines[0]"]
    sent = filled("Read.", KNOWN, files)
    first = f"Read.\n\n`{files[0]}`:\n\n```\nhello {{x}}\n```"
    assert sent.content == [
        {"type": "text", "text": first},
        IMAGE,
        {"type": "text", "text": "tea"},
    ]
    assert [name for _, _, name in sent.references] == files


REFUSED = {
    "no such file": ("nix.txt", b"", "no such file"),
    "binary": ("a.bin", b"\x00\x01", "neither text"),
    "not UTF-8": ("a.txt", b"gr\xfc\xdfe", "neither text"),
    "a long text": ("a.txt", b"x" * (MAX_TEXT_FILE + 1), "has 200 kB; a file of text may have"),
    "a large image": ("a.png", PNG + bytes(MAX_IMAGES), "The image .* has 20 MB"),
    "a folder": (".", b"", "is no file"),
}


@pytest.mark.parametrize("name, data, said", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_attached_is_refused(tmp_path, name, data, said):
    """In one line."""
    if data:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=said) as refused:
        filled("x", Names({}), [str(tmp_path / name)])
    assert "\n" not in str(refused.value)


def test_a_near_name_is_proposed():
    """For -a too."""
    with pytest.raises(UsageError, match="Did you mean price"):
        filled("x", KNOWN, ["pirce"])


# laws -----------------------------------------------------------------------------

_WORD = st.sampled_from(["x", "price", "name", "n", "self", "foo_1", "größe", "i", "items", "data"])
_TEMPLATES = [
    '{{"{0}": {{"{1}": [1, {{}}]}}}}',
    "{{'{0}': {{'{1}': {0}}}}}",
    "{{ {0} }}{{% for {1} in {0} %}}{{{{ {1}.{0} }}}}{{% endfor %}}",
    "{{{{{0}}}}}",
    "{{{{ {0}|upper }}}}{{# {1} #}}",
    r"\frac{{{0}}}{{{1}}}\begin{{{0}}}x_{{{1}}}^{{2}}\end{{{0}}}",
    'f"{{{0}!r:>{{{1}}}}} {{{0}=}} {{{1}[0]}}"',
    "def {0}({1}):\n    return {{{1}: {0} for {1} in {0}}}",
    "const {{{0}, {1}}} = {{...{0}, [`${{{1}}}`]: {{}}}};",
    "body {{ {0}: {1}; }} {{{0}.{1}}} {{{0}['{1}']}}",
]
_CODE = st.builds(str.format, st.sampled_from(_TEMPLATES), _WORD, _WORD)
_NOISE = st.text("{}[]().:!\"'\\%#xn_0 \n$r", max_size=30)
_TEXTS = st.lists(st.one_of(_CODE, _NOISE, st.text(max_size=10)), max_size=6).map("".join)
_QUICK = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


_OTHERS = Names({"unnamed": 1, "zebra": "z", "__name__": "m", "math": math}, (), HISTORY)
_WORDS = ("x", "price", "name", "n", "self", "foo_1", "größe", "i", "items", "data", "In", "math")
_CHARACTERS = "{}[]().:!\"'\\%#xn_0 \n$r"


def texts(seed):
    """Twenty of them: hypothesis alone would need 16 s for 10,000."""
    random = Random(seed)
    for _ in range(20):
        pieces = [
            random.choice(_TEMPLATES).format(*random.choices(_WORDS, k=2))
            if random.random() < 0.7
            else "".join(random.choices(_CHARACTERS, k=random.randrange(30)))
            for _ in range(random.randrange(1, 6))
        ]
        yield "".join(pieces)


@settings(_QUICK, max_examples=500)
@given(st.integers(0, 2**64))
def test_text_without_a_live_reference_is_unchanged(seed):
    """10,000 of JSON, Python, LaTeX and templates, beside a notebook whose names are others."""
    for text in texts(seed):
        if not any(f"{root}[" in text for root in HISTORY):
            assert filled(text, _OTHERS).content == text


@settings(_QUICK, max_examples=500)
@given(_TEXTS)
def test_any_text_without_a_live_reference_is_unchanged(text):
    """What nobody thought of, too."""
    if not any(f"{root}[" in text for root in HISTORY):
        assert filled(text, _OTHERS).content == text


@settings(_QUICK, max_examples=500)
@given(_TEXTS, st.text("{}x.[0]name_!:r", max_size=20))
def test_values_are_never_expanded_again(text, value):
    """A value full of references is what is sent, wherever it stands."""
    names = Names({"zebra": value, "unnamed": "NO", "x": "NO", "name_": "NO"})
    sent = filled(f"{text} {{zebra}} {text}", names)
    at = [reference for reference in sent.references if reference.name == "zebra"]
    assert [sent.text[start:end] for start, end, _ in at] == [value]
    plain = filled(f"{text}  {text}", names).text
    assert sent.text == plain[: at[0].start] + value + plain[at[0].start :]


class Trap:
    """Says of everything that it is there, and remembers what was asked for."""

    seen: list[str]

    def __getattribute__(self, name):
        seen.append(name)
        return self

    def __getitem__(self, key):
        seen.append(str(key))
        return self

    def __str__(self):
        return "trap"


seen: list[str] = []
_DUNDER = st.sampled_from(["__class__", "__dict__", "__init__", "__globals__", "_x", "__", "real"])
_STEPS = st.one_of(
    _DUNDER.map(".{}".format),
    _DUNDER.map('["{}"]'.format),
    _DUNDER.map("['{}']".format),
    st.sampled_from(
        ["[0]", "[-1]", ".a", ".b1", "!r", "!s", ":.__class__", ":{x.__class__}", "()"]
    ),
    st.text("._[]'\"!:{}a0", max_size=5),
)


@settings(_QUICK, max_examples=2000)
@given(st.lists(_STEPS, max_size=5).map("".join), st.sampled_from([1, 2, 3]))
def test_no_path_reaches_a_dunder(path, braces):
    """By whatever way it is written."""
    seen.clear()
    filled("{" * braces + "trap" + path + "}" * braces, Names({"trap": Trap()}))
    assert [name for name in seen if name.startswith("_") and name not in ("_", "_x")] == []
    assert not any(name.startswith("__") for name in seen)


def test_the_trap_would_catch():
    """It sees what is asked of it, and is asked."""
    seen.clear()
    assert filled("{trap.a[0]['b']}", Names({"trap": Trap()})).text == "trap"
    assert seen == ["a", "0", "b"]


@pytest.mark.parametrize("text", ["{" * 300_000, "{x" * 150_000, "{x." * 100_000, "{x[0]" * 60_000])
@pytest.mark.timeout(5)
def test_a_long_text_takes_no_long_time(text):
    """Each brace is read once."""
    assert filled(text, KNOWN).text == text


def test_a_namespace_is_read():
    """Any object's attributes."""
    assert interpolate("{a.b.c}", {"a": SimpleNamespace(b=SimpleNamespace(c=1))}) == "1"
