"""
Record what a real server answers as cassettes, with what our dialects made of it. Run by hand:

    python tests/record_cassettes.py llamacpp      the embedded model (`ipyllm fetch-model` first)

Review the difference in tests/cassettes before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ipyllm import decode, errors, fold
from ipyllm.keys import Key
from ipyllm.local import server, weights
from ipyllm.providers import Target
from ipyllm.transport.cassette import CassetteFile, Recorder, Recording, read
from ipyllm.transport.http import Marks, post
from ipyllm.transport.limits import Limits

FOLDER = Path(__file__).with_name("cassettes")
HI = [{"role": "user", "content": "Say hello in one short sentence."}]
USAGE = {"stream_options": {"include_usage": True}}
SHORT = {"stream": True, "max_tokens": 40, "temperature": 0, "seed": 1}
NAME = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
TOOL = {"name": "get_weather", "description": "Weather of a city", "parameters": NAME}
CALL = {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "required"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": NAME}}
LONG = [{"role": "user", "content": "the quick brown fox jumps over the lazy dog. " * 40}]

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("openai_chat", "/chat/completions", SHORT | USAGE | {"messages": HI}),
    "chat-tool": ("openai_chat", "/chat/completions", SHORT | {"messages": HI} | CALL),
    "chat-schema": (
        "openai_chat",
        "/chat/completions",
        SHORT | {"messages": HI, "response_format": SCHEMA},
    ),
    "chat-logprobs": (
        "openai_chat",
        "/chat/completions",
        SHORT | {"messages": HI, "max_tokens": 8, "logprobs": True, "top_logprobs": 2},
    ),
    "chat-progress": (
        "openai_chat",
        "/chat/completions",
        SHORT | {"messages": LONG, "max_tokens": 8, "return_progress": True, "cache_prompt": False},
    ),
    "chat-error": ("openai_chat", "/chat/completions", {"stream": True, "messages": "none"}),
    "completions": ("openai_completions", "/completions", SHORT | {"prompt": "Once upon a time"}),
    "native": (
        "llamacpp",
        "/../completion",
        {"stream": True, "n_predict": 24, "temperature": 0, "prompt": "Once upon", "n_probs": 2},
    ),
    "messages": ("anthropic", "/messages", SHORT | {"messages": HI}),
    "responses": (
        "openai_responses",
        "/responses",
        {"stream": True, "max_output_tokens": 40, "temperature": 0, "input": HI},
    ),
}


def summary(recording: Recording) -> dict[str, Any]:
    """What a dialect makes of a recording: the part a test compares."""
    if recording.error is not None:
        status = getattr(recording.error, "status", None)
        return {"error": type(recording.error).__name__, "status": status}
    events = list(decode(recording.header["api"], [chunk for _, chunk in recording.chunks]))
    reply = fold(events)
    kinds: dict[str, int] = {}
    for event in events:
        kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
    return {
        "text": str(reply),
        "tool_calls": [[call.name, call.arguments] for call in reply.tool_calls],
        "finish_reason": reply.finish_reason,
        "usage": {
            name: count
            for name, count in asdict(reply.usage).items()
            if name.endswith("_tokens") and count is not None
        },
        "events": dict(sorted(kinds.items())),
    }


async def record(name: str, running: server.LocalServer, path: Path) -> None:
    api, place, body = CASES[name]
    base = running.base_url
    if place.startswith("/../"):
        base, place = base.removesuffix("/v1"), place[3:]
    target = Target("llamacpp", path.stem, api, base, Key("the server's", running.api_key))
    send = Recorder(CassetteFile.empty(FOLDER / f"llamacpp-{name}.jsonl")).over(post)
    marks, limits = Marks(time.perf_counter), Limits()
    try:
        await send(target, place, body, lambda _: None, marks=marks, limits=limits)
    except errors.ServiceError as exc:
        print(f"{name}: {exc}")


def scrub(file: Path, running: server.LocalServer, path: Path) -> None:
    """Take out what belongs to this machine: its folders, the port."""
    port = running.base_url.rpartition(":")[2].removesuffix("/v1")
    text = file.read_text("utf-8").replace(f"127.0.0.1:{port}", "127.0.0.1:8080")
    for folder in (path.parent, path.resolve().parent):
        text = text.replace(f"{folder}/", "").replace(f"{folder}/".replace("/", "\\\\/"), "")
    file.write_text(text, "utf-8")


async def record_all(running: server.LocalServer, path: Path) -> None:
    for name in CASES:
        await record(name, running, path)


def main(which: str) -> None:
    if which != "llamacpp":
        sys.exit(__doc__)
    path = weights.find()
    running = server.ensure(path)
    asyncio.run(record_all(running, path))
    FOLDER.mkdir(exist_ok=True)
    for file in sorted(FOLDER.glob("llamacpp-*.jsonl")):
        scrub(file, running, path)
    summarize()


def summarize() -> None:
    """Write what is expected of every cassette."""
    found = {file.stem: summary(one) for file in FOLDER.glob("*.jsonl") for one in read(file)}
    text = json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False)
    (FOLDER / "expected.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
