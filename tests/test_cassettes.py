"""What a real llama.cpp server sent, through every dialect it speaks; see record_cassettes.py."""

from __future__ import annotations

import json

import pytest
from cuts import byte_by_byte
from record_cassettes import CASES, FOLDER, summary

from ipyllm.transport.cassette import read

EXPECTED = json.loads((FOLDER / "expected.json").read_text("utf-8"))
CASSETTES = sorted(FOLDER.glob("*.jsonl"))


def test_every_endpoint_is_there():
    """A cassette for each case, and what is expected of it."""
    assert {file.stem for file in CASSETTES} == set(EXPECTED)
    assert set(EXPECTED) == {f"llamacpp-{name}" for name in CASES}


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_a_cassette_is_decoded_as_ever(file):
    """Text, calls, end, usage, and how many events of each kind."""
    (recording,) = read(file)
    assert summary(recording) == EXPECTED[file.stem]


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_a_cassette_is_decoded_alike_byte_by_byte(file):
    """Where the network cut it means nothing."""
    (recording,) = read(file)
    raw = b"".join(chunk for _, chunk in recording.chunks)
    recording.chunks = [(0.0, piece) for piece in byte_by_byte(raw)]
    assert summary(recording) == EXPECTED[file.stem]


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_a_cassette_knows_nothing_of_its_machine(file):
    """No folder, no key, no port."""
    text = file.read_text("utf-8")
    for word in ("/root", "/home", "/Users", "Bearer"):
        assert word not in text
