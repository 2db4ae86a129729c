"""
Our times beside an independent tool's: llama-benchy, on the same embedded llama.cpp server.

Together: both read one answer, byte for byte, through a proxy that asks the server once; differences
request by request, with nothing in them but the clocks. And in turn, straight to the server: it asks, we ask,
the same prompt, greedy, nothing cached; two answers differ by more than two clocks do, so that is
for information.

llama-benchy's `ttfr` ends with the first chunk that has `choices` (the one with only a role), its
`e2e_ttft` with the first that has text; both begin before the POST. Its rate is (n - 1) / (last - first),
n from `usage`; its end is that of the body. Ours are the same moments: `ttfr`, `ttft`, `decode_rate`,
`total`. One difference: on a new connection its clock includes the connecting, ours (`connect`) does not.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness import ROOT, SCRATCH, Row

PACKAGES = ["llama-benchy==0.4.0"]
PROMPT, TOKENS = 64, 64  # words in, tokens out
APART, TOGETHER = 6, 13  # rounds, of which the first warms up
OPTIONS = {"temperature": 0, "cache_prompt": False, "ignore_eos": True, "return_progress": True}
WORDS = (
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "owls",
    "watch",
)
ASKED = " ".join(WORDS[i % len(WORDS)] for i in range(PROMPT))
KEY = "IPYLLM_BENCH_KEY"

Times = dict[str, float]  # ttfr, ttft, total in s; rate in tokens/s; tokens in and out


def rows() -> list[Row]:
    sys.path.insert(0, str(ROOT / "src"))
    from ipyllm.local import server, weights

    python = _environment()
    served = server.ensure(weights.find())
    os.environ[KEY] = served.api_key
    try:
        with tempfile.TemporaryDirectory() as folder:
            benchy = _Benchy(python, Path(folder))
            apart = _apart(benchy, served.base_url)
            together = _together(benchy, served.base_url)
    finally:
        server.stop()
    in_turn = [_informing(row) for row in _compared("in turn", *apart)]
    return [*_compared("one answer, read by both", *together), *in_turn]


def _informing(row: Row) -> Row:
    """Asks for no limit, so it claims none."""
    return Row(f"(for information) {row.goal.partition(', within')[0]}", row.figure, holds=True)


def _compared(how: str, ours: list[Times], theirs: list[Times]) -> Generator[Row]:
    ours, theirs = ours[1:], theirs[1:]
    yield Row(
        f"{how}: the same work, so many times",
        f"{len(ours)} times {_work(ours)} tokens, llama-benchy {_work(theirs)}",
        len(ours) == len(theirs) and _work(ours) == _work(theirs),
    )
    for name, theirs_is in (("ttfr", "ttfr"), ("ttft", "e2e_ttft"), ("total", "end - start")):
        pairs = [(1e3 * a[name], 1e3 * b[name]) for a, b in zip(ours, theirs, strict=True)]
        yield _row(f"{how}: {name} = its {theirs_is}", pairs, "ms", limit=2.0)
    pairs = [(a["rate"], b["rate"]) for a, b in zip(ours, theirs, strict=True)]
    yield _row(f"{how}: decode_rate = its tg", pairs, "tokens/s", limit=0.0)


def _row(goal: str, pairs: list[tuple[float, float]], unit: str, limit: float) -> Row:
    """Holds within `limit` or 2 %."""
    off = sorted(a - b for a, b in pairs)
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    middle = median(off)
    share = 100 * median((a - b) / b for a, b in pairs)
    figure = (
        f"{ours:.2f} against {theirs:.2f} {unit}: {middle:+.2f} {unit}, {share:+.2f} %"
        f" (pair by pair {off[0]:+.2f} to {off[-1]:+.2f})"
    )
    within = "2 ms or 2 %" if limit else "2 %"
    return Row(f"{goal}, within {within}", figure, abs(middle) <= limit or abs(share) <= 2)


def _work(rows: Iterable[Times]) -> str:
    return " or ".join(sorted({f"{row['asked']:.0f} + {row['tokens']:.0f}" for row in rows}))


# --- theirs --------------------------------------------------------------------------------------


def _environment() -> str:
    home = SCRATCH / "venvs" / "metrics"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return str(python)


@dataclass(frozen=True)
class _Benchy:
    """llama-benchy with a book and a tokenizer of our own: both would be fetched otherwise."""

    python: str
    folder: Path

    def __post_init__(self) -> None:
        # One word more than a prompt: it starts at a random one of (all - asked) words.
        book = self.folder / ".cache" / "llama-benchy"
        book.mkdir(parents=True)
        name = hashlib.md5(b"words", usedforsecurity=False).hexdigest()
        (book / f"{name}.txt").write_text(f"{ASKED} end")
        vocabulary = {word: number for number, word in enumerate([*WORDS, "end", "?"])}
        model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"}
        tokenizer = {"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": model}
        (self.folder / "tokenizer.json").write_text(json.dumps(tokenizer))

    def start(self, url: str, runs: int, *more: str) -> subprocess.Popen[str]:
        extra = ",".join(f"{name}={json.dumps(value)}" for name, value in OPTIONS.items())
        command = [self.python, "-m", "llama_benchy", "--base-url", url, "--model", "local"]
        command += ["--tokenizer", str(self.folder / "tokenizer.json"), "--book-url", "words"]
        command += ["--api-key", os.environ[KEY], "--pp", str(PROMPT), "--tg", str(TOKENS)]
        command += ["--runs", str(runs), "--no-warmup", "--skip-coherence", "--no-adapt-prompt"]
        command += ["--latency-mode", "none", "--extra-body", extra, "--format", "json"]
        command += ["--save-result", str(self.folder / "result.json")]
        command += ["--emit-progress", str(self.folder / "progress.jsonl"), *more]
        env = os.environ | {"HOME": str(self.folder), "HF_HUB_OFFLINE": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def times(self, process: subprocess.Popen[str]) -> list[Times]:
        """What it says of each request, once it has ended; its own rate, from its own report."""
        said, _ = process.communicate(timeout=240)
        if process.returncode:
            sys.exit(f"bench: llama-benchy: {said[-2000:]}")
        found: dict[int, dict[str, Any]] = {}
        for line in (self.folder / "progress.jsonl").read_text().splitlines():
            event = json.loads(line)
            if "request_id" in event:
                found.setdefault(event["request_id"], {}).update(event)
        report = json.loads((self.folder / "result.json").read_text())["benchmarks"][0]
        rates = report["tg_throughput"]["values"]
        return [
            {
                "ttfr": each["ttfr_s"],
                "ttft": each["ttft_s"],
                "total": each["ttft_s"] + each["decode_seconds"],
                "rate": rate,
                "asked": each["prompt_tokens"],
                "tokens": each["total_tokens"],
            }
            for each, rate in zip(found.values(), rates, strict=True)
        ]


# --- ours ----------------------------------------------------------------------------------------


def _ask(url: str, prompt: str = ASKED, tokens: int = TOKENS) -> Times:
    import ipyllm

    params = OPTIONS | {"max_tokens": tokens}
    reply = ipyllm.ask(prompt, model="llamacpp/local", base_url=url, key_env=KEY, params=params)
    timing = reply.timing
    return {
        "ttfr": timing.ttfr or 0.0,
        "ttft": timing.ttft or 0.0,
        "total": timing.total or 0.0,
        "rate": timing.decode_rate or 0.0,
        "asked": reply.usage.input_tokens or 0,
        "tokens": timing.tokens,
    }


def _apart(benchy: _Benchy, url: str) -> tuple[list[Times], list[Times]]:
    """After each of its requests it runs a command: one of ours, in a process of its own."""
    out = benchy.folder / "ours.jsonl"
    one = f"{sys.executable} {Path(__file__).resolve()} ask {url} >> {out}"
    theirs = benchy.times(benchy.start(url, APART, "--post-run-cmd", one))
    return [json.loads(line) for line in out.read_text().splitlines()], theirs


def _together(benchy: _Benchy, url: str) -> tuple[list[Times], list[Times]]:
    """Ours waits in the proxy until it asks; how long is the proxy's to say, and is taken off."""
    with _tee(url) as (through, waits):
        process = benchy.start(through, TOGETHER)
        try:
            ours = [_ask(through) for _ in range(TOGETHER)]
            theirs = benchy.times(process)
        finally:
            process.kill()
        waited = [json.loads(line) for line in waits.read_text().splitlines()]
    for who, rows in (("ours", ours), ("theirs", theirs)):
        for row, wait in zip(rows, waited, strict=True):
            for name in ("ttfr", "ttft", "total"):
                row[name] -= wait[who]
    return ours, theirs


# --- the proxy -----------------------------------------------------------------------------------


@contextmanager
def _tee(url: str) -> Generator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "waits.jsonl"
        command = [sys.executable, __file__, "tee", url, str(log)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # noqa: S101
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1", log
        finally:
            process.terminate()
            process.wait()


class _Tee:
    """Two requests, one question: asked once both are there, answered to both as it comes."""

    def __init__(self, port: int, log: str) -> None:
        self._port = port
        self._log = Path(log)
        self._swapped = False
        self._first: tuple[str, bytes, float, asyncio.StreamWriter, asyncio.Event] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                body = await reader.readexactly(size)
                who = "theirs" if b"aiohttp" in head.lower() else "ours"
                await self._meet(who, head, body, writer)
        writer.close()

    async def _meet(self, who: str, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        now = time.perf_counter()
        if self._first is None:
            done = asyncio.Event()
            self._first = who, body, now, writer, done
            await done.wait()
            return
        other, before, since, waiting, done = self._first
        self._first = None
        asked = [json.loads(each)["messages"] for each in (before, body)]
        if asked[0] != asked[1] or who == other:
            sys.exit("bench: not the same question from both")
        with self._log.open("a") as log:
            log.write(json.dumps({other: now - since, who: 0.0}) + "\n")
        # Who is written to first gains some 20 us: each in turn.
        self._swapped = not self._swapped
        both = (writer, waiting) if self._swapped else (waiting, writer)
        await self._relay(head + body, *both)
        done.set()

    async def _relay(self, request: bytes, *writers: asyncio.StreamWriter) -> None:
        server, upstream = await asyncio.open_connection("127.0.0.1", self._port)
        upstream.write(request)
        tail = b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            got = await server.read(65536)
            if not got:
                sys.exit("bench: the server closed in the middle")
            for writer in writers:
                writer.write(got)
            tail = (tail + got)[-7:]
        upstream.close()


async def _serve(url: str, log: str) -> None:
    port = int(url.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
    server = await asyncio.start_server(_Tee(port, log).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["tee", url, log]:
            asyncio.run(_serve(url, log))
        case ["ask", url]:
            sys.path.insert(0, str(ROOT / "src"))
            _ask(url, "Hi", 1)  # the first loads what it needs, and connects
            print(json.dumps(_ask(url)))
        case _:
            print(*rows(), sep="\n")
