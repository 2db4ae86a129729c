from __future__ import annotations

import base64
import datetime as dt
import enum
import json
import pathlib
import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.display import Image

from ipyllm.tools import result_of
from ipyllm.tools.result import LONGEST, SHOWN

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass
class Point:
    x: int


class Colour(enum.Enum):
    RED = "red"


class Model:
    model_fields = ("a",)

    def model_dump(self):
        return {"a": 1}


class Array:
    dtype = "int64"

    def __init__(self, items, shape):
        self.items, self.shape = items, shape

    def __getitem__(self, key):
        return Array(self.items[key], self.shape)

    def tolist(self):
        return self.items


class Raising:
    def __repr__(self):
        raise RuntimeError("no")


class Markdown:
    def _repr_markdown_(self):
        return "**bold**"


class Figure:
    def savefig(self, buffer, **_):
        buffer.write(PNG)


class Picture:
    def _repr_png_(self):
        return PNG


class Broken:
    def _repr_png_(self):
        raise OSError("no display")

    def __repr__(self):
        return "Broken()"


class Frame:
    """What is asked of pandas' DataFrame."""

    index = type("Index", (), {"name": None})()

    def __init__(self, rows, columns):
        self.data, self._columns = rows, columns

    @property
    def columns(self):
        return self._columns

    @property
    def iloc(self):
        return self

    def __getitem__(self, key):
        rows, columns = key
        return Frame([each[columns] for each in self.data[rows]], self.columns[columns])

    def __len__(self):
        return len(self.data)

    def itertuples(self, *, index, name):
        return ((at, *row) for at, row in enumerate(self.data))


class Polars:
    """What is asked of polars' DataFrame."""

    def __init__(self, data):
        self.data = data

    columns = ("a",)

    @property
    def height(self):
        return len(self.data)

    def head(self, n):
        return Polars(self.data[:n])

    def rows(self):
        return self.data


TEXTS = {
    "text": ("as it is", "as it is"),
    "none": (None, "null"),
    "umlaut": ({"ä": [1, True]}, '{"ä": [1, true]}'),
    "dataclass": (Point(1), '{"x": 1}'),
    "model": (Model(), '{"a": 1}'),
    "enum": ([Colour.RED], '["red"]'),
    "times": ([dt.date(2026, 1, 2), dt.timedelta(1)], '["2026-01-02", "1 day, 0:00:00"]'),
    "texts": (
        (Decimal("1.5"), uuid.UUID(int=0), pathlib.PurePosixPath("a/b")),
        '["1.5", "00000000-0000-0000-0000-000000000000", "a/b"]',
    ),
    "set": ({1}, "[1]"),
    "keys": ({1: 2, None: 3}, '{"1": 2, "None": 3}'),
    "nan": (float("nan"), '"nan"'),
    "array scalar": (Array(3, ()), "3"),
    "array": (Array([1, 2], (2,)), "[1, 2]"),
    "bytes": (b"abc", "(3 bytes)"),
    "error": (ValueError("no"), "ValueError: no"),
    "raising repr": (Raising(), "<Raising: its repr raised RuntimeError>"),
    "raising repr inside": ([Raising()], '["<Raising: its repr raised RuntimeError>"]'),
    "markdown": (Markdown(), "**bold**"),
    "class": (int, "<class 'int'>"),
    "broken picture": (Broken(), "Broken()\n\n(not shown better: OSError)"),
    "frame": (
        Frame([["x|y", "a\nb"]], ["p", "q"]),
        "|  | p | q |\n| --- | --- | --- |\n| 0 | x\\|y | a b |",
    ),
}


@pytest.mark.parametrize("value, content", TEXTS.values(), ids=TEXTS)
def test_a_value_is_said_in_text(value, content):
    assert content == result_of(value).content


@pytest.mark.parametrize("value", [Image(data=PNG), Figure(), Picture()], ids=type)
def test_a_picture_is_a_part(value):
    [note, part] = result_of(value).content
    assert f"image/png, {len(PNG)} bytes" == note["text"]
    assert part["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_pictures_of_a_list_keep_their_places():
    kinds = [part["type"] for part in result_of(["before", Picture()]).content]
    assert kinds == ["text", "text", "image_url"]


def test_a_long_table_says_what_is_missing():
    content = result_of(Frame([[0] * 25] * 1000, list(range(25)))).content
    assert content.endswith("\n\n… 950 more rows, 5 more columns")
    assert result_of(Polars([(1,)] * 51)).content.endswith("| 1 |\n\n… 1 more rows")


def test_what_is_long_is_cut_and_says_so():
    result = result_of("x" * (LONGEST + 5))
    assert result.content.endswith("x\n… cut: 5 more characters")
    assert len(result.shown) < SHOWN + 50
    assert json.loads(result_of(list(range(1005))).content)[-1] == "… 5 more items"


def test_a_value_within_itself_ends():
    loop: list = []
    loop.append(loop)
    assert "…" in result_of(loop).content


@given(st.recursive(st.none() | st.floats() | st.text() | st.binary(), st.lists, max_leaves=9))
def test_any_value_has_a_result(value):
    assert isinstance(result_of(value).content, str)
