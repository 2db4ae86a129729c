"""One round of bench/decode.py, in the environment that holds the SDKs: prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

READ = 4096  # bytes
STREAM = 50  # MB
SHARE = 10  # the SDKs' part of the stream: 1 / SHARE


def chat_event(text: str) -> bytes:
    """As OpenAI sends one: 299 bytes with a word in it."""
    delta = {"content": text}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    chunk = {
        "id": "chatcmpl-CJ1x2y3z4A5b6C7d8E9f0G1h2I3j4",
        "object": "chat.completion.chunk",
        "created": 1_764_000_000,
        "model": "gpt-4.1-mini-2025-04-14",
        "service_tier": "default",
        "system_fingerprint": "fp_6f2eabb9a5",
        "choices": [choice],
        "usage": None,
        "obfuscation": "sX2kq9",
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def chat(megabytes: float) -> bytes:
    words = [chat_event(f" word{i}") for i in range(100)]
    block = b"".join(words)
    end = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    end += b'"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    return block * max(1, round(megabytes * 1e6 / len(block))) + end


def messages(megabytes: float) -> bytes:
    def event(**payload: Any) -> bytes:
        return f"event: {payload['type']}\ndata: {json.dumps(payload)}\n\n".encode()

    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": []}
    message |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    start = event(type="message_start", message=message)
    start += event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
    block = b"".join(
        event(
            type="content_block_delta", index=0, delta={"type": "text_delta", "text": f" word{i}"}
        )
        for i in range(100)
    )
    end = event(type="content_block_stop", index=0)
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    end += event(type="message_delta", delta=delta, usage=usage) + event(type="message_stop")
    return start + block * max(1, round(megabytes * 1e6 / len(block))) + end


def pieces(raw: bytes) -> Iterator[bytes]:
    view = memoryview(raw)
    for at in range(0, len(raw), READ):
        yield bytes(view[at : at + READ])


def response(raw: bytes, httpx: Any) -> Any:
    """An httpx response that reads `raw` 4 KiB at a time."""

    class Body(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return pieces(raw)

    headers = {"content-type": "text/event-stream"}
    request = httpx.Request("POST", "http://127.0.0.1/v1/x")
    return httpx.Response(200, headers=headers, stream=Body(), request=request)


def ours(api: str, raw: bytes) -> int:
    import httpx

    from ipyllm.dialects import dialect

    decoder = dialect(api).decoder()
    count = 0
    for chunk in response(raw, httpx).iter_raw():
        count += len(decoder.feed(chunk))
    return count + len(decoder.close())


def httpx_sse_json(raw: bytes) -> int:
    import httpx
    from httpx_sse import EventSource

    texts = []
    for event in EventSource(response(raw, httpx)).iter_sse():
        if event.data == "[DONE]":
            break
        texts.append(json.loads(event.data)["choices"][0]["delta"].get("content"))
    return len(texts)


def _client(raw: bytes) -> Any:
    import httpx2  # what both SDKs are built on now

    return httpx2.Client(transport=httpx2.MockTransport(lambda _: response(raw, httpx2)))


def openai_sdk(raw: bytes) -> int:
    import openai

    client = openai.OpenAI(api_key="x", http_client=_client(raw), max_retries=0)
    stream = client.chat.completions.create(model="m", messages=[], stream=True)
    return sum(1 for chunk in stream if chunk.choices)


def anthropic_sdk(raw: bytes) -> int:
    import anthropic

    client = anthropic.Anthropic(api_key="x", http_client=_client(raw), max_retries=0)
    stream = client.messages.create(model="m", max_tokens=9, messages=[], stream=True)
    return sum(1 for _ in stream)


def rate(reader: Callable[[bytes], int], raw: bytes, warm: bytes) -> float:
    reader(warm)  # imports are no decoding
    gc.collect()
    started = time.process_time()
    count = reader(raw)
    return count / (time.process_time() - started)


def rates() -> dict[str, float]:
    chats, small_chats, a_chat = chat(STREAM), chat(STREAM / SHARE), chat(0.01)
    blocks, small_blocks, a_block = messages(STREAM), messages(STREAM / SHARE), messages(0.01)
    return {
        "ours openai_chat": rate(lambda raw: ours("openai_chat", raw), chats, a_chat),
        "httpx-sse + json": rate(httpx_sse_json, chats, a_chat),
        "openai SDK": rate(openai_sdk, small_chats, a_chat),
        "ours anthropic": rate(lambda raw: ours("anthropic", raw), blocks, a_block),
        "anthropic SDK": rate(anthropic_sdk, small_blocks, a_block),
    }


def seconds(raw: bytes) -> float:
    gc.collect()
    started = time.process_time()
    ours("openai_chat", raw)
    return time.process_time() - started


def lines() -> dict[str, float]:
    short = chat(20)
    long = chat_event("word " * 4_000_000)
    pairs = [(seconds(long), seconds(short)) for _ in range(3)]
    long_s, short_s = min(a for a, _ in pairs), min(b for _, b in pairs)
    return {"long": long_s, "short": short_s, "ratio": long_s / short_s}


def sizes() -> dict[str, float]:
    small, large = chat(1), chat(100)
    return {"1": min(seconds(small) for _ in range(9)), "100": seconds(large)}


if __name__ == "__main__":
    print(json.dumps({"rates": rates, "lines": lines, "sizes": sizes}[sys.argv[1]]()))
