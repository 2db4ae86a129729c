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

import httpx
import pytest
from cuts import byte_by_byte, cut_at, whole

from ipyllm import errors
from ipyllm.decoding import decode
from ipyllm.dialects import APIS
from ipyllm.events import ChoiceDelta, Event, Finish, Notice, ToolCallEnd, Usage
from ipyllm.run.completion import Completion
from ipyllm.transport.failure import from_status
from ipyllm.wire.complaint import Complaint

ROOT = Path(__file__).parents[2]
WIRE = Path(os.environ.get("IPYLLM_WIRE") or ROOT.parent / "shared" / "wire")
APIS_OF = {
    "openai_compat": "openai_chat",
    "vllm_chat": "openai_chat",
    "llamacpp_chat": "openai_chat",
    "vllm_completions": "openai_completions",
    "llamacpp_completions": "openai_completions",
    "llamacpp_native": "llamacpp",
    "llamacpp_anthropic": "anthropic",
    "llamacpp_responses": "openai_responses",
    "openai_realtime_ws": "messages",
}
COUNTS = {  # where the SDK's usage has tokens in and tokens out
    "openai_chat": ("prompt_tokens", "completion_tokens"),
    "openai_completions": ("prompt_tokens", "completion_tokens"),
    "openai_responses": ("input_tokens", "output_tokens"),
    "anthropic": ("input_tokens", "output_tokens"),
    "ollama_chat": ("prompt_eval_count", "eval_count"),
    "ollama_generate": ("prompt_eval_count", "eval_count"),
    "llamacpp": ("tokens_evaluated", "tokens_predicted"),
    "gemini": ("prompt_token_count", "candidates_token_count"),
}

# The service answered with plain JSON in place of a stream. The SDK decodes nothing of it; we do.
PLAIN = "ollama-openai-ollama-provider-ollama-gemma3-4b-0-a86c5e"
# A call's arguments in pieces (`partialArgs`): the SDK gives each piece as a call of its own,
# without name and arguments; we put the four calls together.
PIECEWISE = "google-google-stream-no-args-tool-call-ee94c0"
# A line without `message`, which the SDK's model refuses; it says nothing, and the stream ends there.
NO_MESSAGE = "ollama-docs-api-md-stream-example-3-line-850-6ff5f3"

# The answers to a list of prompts: nothing in the first one says that another follows.
SEVERAL_PROMPTS = "llamacpp-native-multi-prompt-9a2bdd"
AFTER_THE_PROOF = (Usage, ToolCallEnd, Finish)
PROMPT_LIST = (*AFTER_THE_PROOF, ChoiceDelta)


def api_of(recording: Path) -> str:
    return APIS_OF.get(recording.parent.name, recording.parent.name)


RECORDINGS = sorted(
    path.parent for path in WIRE.glob("*/*/expected.json") if api_of(path.parent) in APIS
)
REFUSALS = sorted(path.parent for path in WIRE.glob("http_errors/*/expected.json"))

each_recording = pytest.mark.parametrize(
    "recording", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name}"
)


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


def value(arguments: Any) -> Any:
    """Arguments as they mean: the SDKs give text, or the object it stands for."""
    try:
        return json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def calls(found: list[Any]) -> list[tuple[str, str, Any]]:
    return [(one["id"] or "", one["name"], value(one["arguments"])) for one in found]


@pytest.mark.parametrize("cut", [whole, byte_by_byte, randomly])
@each_recording
def test_a_recorded_answer_is_what_the_sdk_says(recording, cut):
    """Text, reasoning, tool calls, the word for the end, and usage are the SDK's, however cut."""
    raw, expected = read(recording)
    events = list(decode(api_of(recording), cut(raw)))
    got = completed(events)
    assert got.events() == events
    if recording.name == PLAIN:
        assert (got.text, got.finish) == ("4200 + 42 = 4242\n", Finish("stop", "stop"))
        return
    assert got.text == expected["text"]
    assert got.reasoning == expected.get("reasoning", "")
    if recording.name == PIECEWISE:
        names = [name for _, name, _ in got.tool_calls]
        assert names == [one["name"] for one in expected["tool_calls"] if one["name"]]
    else:
        assert [(i, n, value(a)) for i, n, a in got.tool_calls] == calls(expected["tool_calls"])
    assert got.finish is not None
    assert got.finish.raw == (expected.get("finish_reason") or "")
    if recording.name != NO_MESSAGE:
        assert (got.error is None) == (expected.get("sdk_error") is None)
    if got.error is not None:
        assert got.error.message == expected["sdk_error"]["message"].partition(" (status code")[0]
        assert got.finish.reason == "error"


@each_recording
def test_tokens_are_counted_as_the_sdk_counts_them(recording):
    """Tokens in and out, where the service says."""
    raw, expected = read(recording)
    used = expected.get("usage")
    api = api_of(recording)
    if not used or recording.name == PLAIN:
        return
    got = completed(list(decode(api, [raw]))).usage
    inputs, outputs = COUNTS[api]
    assert (got.input_tokens, got.output_tokens) == (used.get(inputs), used.get(outputs))


@each_recording
def test_a_cut_is_the_same_wherever_it_is(recording):
    """Whole, byte by byte and at a hundred random places: the same events."""
    raw, _ = read(recording)
    api = api_of(recording)
    events = [said for said in decode(api, [raw]) if not isinstance(said, Notice)]
    for cut in (byte_by_byte, randomly):
        assert [e for e in decode(api, cut(raw)) if not isinstance(e, Notice)] == events


@each_recording
def test_a_cut_stream_is_never_a_whole_one(recording):
    """Cut after any of its lines, a recording gives a part of its text, and no reason to believe it whole."""
    raw, _ = read(recording)
    if recording.name == PLAIN:
        return
    api = api_of(recording)
    full = completed(list(decode(api, [raw])))
    assert full.finish is not None
    proven = False
    for end in [at + 1 for at, byte in enumerate(raw[:200_000]) if byte == 0x0A]:
        events = list(decode(api, [raw[:end]]))
        part = completed(events)
        assert part.finish is not None
        assert full.text.startswith(part.text.removesuffix("\ufffd"))
        assert full.reasoning.startswith(part.reasoning.removesuffix("\ufffd"))
        if part.finish.reason not in ("truncated", "error"):
            # From the API's own proof on, all that may still come is usage and notices.
            may_follow = PROMPT_LIST if recording.name == SEVERAL_PROMPTS else AFTER_THE_PROOF
            rest = [e for e in full.events()[len(events) - 1 :] if not isinstance(e, Notice)]
            assert all(isinstance(event, may_follow) for event in rest)
            proven = True
        elif recording.name != SEVERAL_PROMPTS:
            assert not proven or part.finish.reason == "error"


@pytest.mark.parametrize("recording", REFUSALS, ids=lambda path: path.name)
def test_a_recorded_refusal_has_its_class_and_its_words(recording):
    """The status' class, or the one its words mean; the service's own message is in ours."""
    raw, expected = read(recording)
    headers = httpx.Headers(expected["headers"])
    text = raw.decode("utf-8", "replace")
    status = expected["status"]
    error = from_status(status, "", headers, text, expected["url"])
    assert type(error) is CLASSES.get(recording.name, BY_STATUS[status])
    complaint = Complaint.of(json.loads(text))
    assert complaint is not None
    assert complaint.message[:100] in expected["sdk_error"]["message"] + str(
        expected["sdk_error"].get("body")
    )
    assert " ".join(complaint.message.split())[:400].rstrip(".") in str(error)
    assert "?" not in str(error).partition(" answered ")[0]


BY_STATUS = {
    400: errors.BadRequest,
    401: errors.AuthError,
    404: errors.NotFound,
    429: errors.RateLimited,
}
# Where 400 says too little.
CLASSES: dict[str, type[errors.ServiceError]] = {
    "deepseek-400-openai-compat-5f78c6": errors.ContextTooLong,
    "llamacpp-400-openai-compat-6d17ff": errors.ContextTooLong,
    "ollama-cloud-400-openai-compat-a30543": errors.ContextTooLong,
    "openrouter-400-openai-compat-c4bb63": errors.ContextTooLong,
    "vertex-400-x-7fc051": errors.ContextTooLong,
    "google-400-gemini-1c010c": errors.AuthError,
    "openai-400-openai-responses-fb13ef": errors.NotFound,
    "xai-400-openai-responses-9ff12a": errors.AuthError,
}
