"""
What real services sent, against what the vendor's own SDK made of it.

The recordings are read where they lie (`IPYLLM_WIRE`); they are no part of the project.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cuts import byte_by_byte, cut_at, whole

from ipyllm.decoding import decode
from ipyllm.events import Event, Finish
from ipyllm.run.completion import Completion

ROOT = Path(__file__).parents[2]
WIRE = Path(os.environ.get("IPYLLM_WIRE") or ROOT.parent / "shared" / "wire")
APIS = ("openai_chat", "openai_compat", "llamacpp_chat", "vllm_chat")

# The service answered with plain JSON in place of a stream. The SDK decodes nothing of it; we do.
PLAIN = "ollama-openai-ollama-provider-ollama-gemma3-4b-0-a86c5e"

RECORDINGS = sorted(path.parent for api in APIS for path in WIRE.glob(f"{api}/*/expected.json"))


def randomly(raw: bytes) -> list[bytes]:
    dice = random.Random(len(raw))
    return cut_at(raw, [dice.randrange(len(raw)) for _ in range(100)])


if not RECORDINGS:
    pytest.skip(f"no recordings in {WIRE}; set IPYLLM_WIRE", allow_module_level=True)


def read(recording: Path) -> tuple[bytes, dict[str, Any]]:
    (body,) = recording.glob("body.*")
    return body.read_bytes(), json.loads((recording / "expected.json").read_text("utf-8"))


def completed(events: list[Event]) -> Completion:
    completion = Completion()
    for event in events:
        completion.add(event)
    return completion


@pytest.mark.parametrize("cut", [whole, byte_by_byte, randomly])
@pytest.mark.parametrize(
    "recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_a_recorded_answer_is_what_the_sdk_says(recording, cut):
    """Text, reasoning, tool calls, the word for the end, and usage are the SDK's, however cut."""
    raw, expected = read(recording)
    events = list(decode("openai_chat", cut(raw)))
    got = completed(events)
    if recording.name == PLAIN:
        assert (got.text, got.finish) == ("4200 + 42 = 4242\n", Finish("stop", "stop"))
        return
    assert got.text == expected["text"]
    assert got.reasoning == expected["reasoning"]
    calls = [(call["id"] or "", call["name"], call["arguments"]) for call in expected["tool_calls"]]
    assert got.tool_calls == calls
    assert got.finish is not None
    assert got.finish.raw == (expected["finish_reason"] or "")
    if expected["usage"]:
        assert got.usage.input_tokens == expected["usage"]["prompt_tokens"]
        assert got.usage.output_tokens == expected["usage"]["completion_tokens"]
    if expected["sdk_error"]:
        assert got.error is not None
        assert got.error.message == expected["sdk_error"]["message"]
        assert got.finish.reason == "error"
    else:
        assert got.error is None
    assert got.events() == events


@pytest.mark.parametrize(
    "recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_half_a_recorded_answer_is_no_whole_one(recording):
    """Cut in the middle, a recording gives a part of its text and never a reason to believe it whole."""
    raw, _ = read(recording)
    if recording.name == PLAIN:
        return
    full = completed(list(decode("openai_chat", [raw])))
    half = completed(list(decode("openai_chat", [raw[: len(raw) // 2]])))
    assert half.finish in (Finish("truncated"), Finish("error"))
    assert full.text.startswith(half.text.removesuffix("\ufffd"))
    assert full.reasoning.startswith(half.reasoning.removesuffix("\ufffd"))
