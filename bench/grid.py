"""
A grid against a server in another process: time, memory, failures, and a kill in the middle.

The server answers 50 tokens in 1 s, on a fixed timetable; of 100 prompts it fails 5: one in three with
a 400, one with an error in the stream, one by cutting it, each after that second.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import ROOT, Row

CALLS, AT_ONCE = 1000, 64
TOKENS, LATENCY = 50, 1.0
MANY = 4000
KILLS, KILLED = 5, 400
WARM_UP = "warm up 0"
LATE = 0.25  # seconds before the kill in which an answer may have been on its way to the file


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "log.jsonl")
        try:
            return [*_timed(server, folder), _memory(server), _killed(server, folder)]
        finally:
            server.stop()


def _timed(server: Server, folder: str) -> list[Row]:
    runs = [server.client("timed", CALLS, f"{folder}/timed{i}.jsonl") for i in range(3)]
    ideal = -(-CALLS // AT_ONCE) * LATENCY
    took = sorted(run["seconds"] for run in runs)[1]
    worst = max(run["seconds"] for run in runs)
    cpu = sorted(run["cpu"] for run in runs)[1]
    figure = (
        f"{took:.2f} s against {ideal:.2f} s: {took / ideal:.3f} x, median of 3; {cpu:.1f} s of CPU,"
        f" the table made 4 times a second and the file written; slowest {worst:.2f} s"
    )
    goal = f"{CALLS:,} calls at {AT_ONCE} at once: <= 1.15 x the ideal time"
    failing = sum(_fails(number) for number in range(CALLS))
    exact = all(run["failed"] == failing and run["done"] == CALLS - failing for run in runs)
    kinds = Counter(word for run in runs for word in run["errors"])
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    rows_of = f"{failing} of {CALLS:,} in each run; all 3: {said}; every other row whole"
    return [
        Row(goal, figure, took <= 1.15 * ideal),
        Row("5 % injected failures: a row each, nothing raised, no row lost", rows_of, exact),
    ]


def _memory(server: Server) -> Row:
    run = server.client("memory", MANY)
    marks = run["rss_mb"]
    # The first thousand brings pools and buffers to their size.
    grown = (marks[-1] - marks[0]) / (MANY / 1000 - 1)
    figure = (
        f"{grown:+.2f} MB per 1,000 rows (RSS at each thousand: {', '.join(map(str, marks))} MB)"
    )
    return Row("memory flat: <= 3 MB per 1,000 further rows, all rows kept", figure, grown <= 3)


def _killed(server: Server, folder: str) -> Row:
    twice = recorded = late = under_way = 0
    whole = True
    for number in range(KILLS):
        path = Path(folder) / f"killed{number}.jsonl"
        seen = server.forget()
        process = server.start("resume", KILLED, str(path))
        while len(server.log(seen)) < KILLED // 2 + 60 * number:  # begins and ends
            time.sleep(0.005)
        at = time.monotonic()
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = server.log(seen)
        kept = {line["prompt"] for line in _done(path)}
        run = server.client("resume", KILLED, str(path))
        whole = whole and run["done"] + run["failed"] == KILLED and not run["waiting"]
        asked = Counter(line["prompt"] for line in server.log(seen) if line["what"] == "asked")
        del asked[WARM_UP]  # each process's own
        again = {prompt for prompt, count in asked.items() if count > 1}
        ended = {line["prompt"]: line["at"] for line in before if line["what"] == "ended"}
        good = {prompt for prompt in ended if not _fails(_number(prompt))}
        twice += sum(ended[prompt] < at - LATE for prompt in again & good)
        recorded += len(again & kept)
        late += sum(ended[prompt] >= at - LATE for prompt in again & good)
        under_way += len(again - good)
    figure = (
        f"{KILLS} kills: {recorded} of the recorded, {twice} of those made twice;"
        f" asked again: {under_way} that were under way or had failed, {late} that ended in the last"
        f" {1e3 * LATE:.0f} ms; all rows there: {'yes' if whole else 'no'}"
    )
    goal = "killed half way and resumed: no recorded call made twice, none that ended 0.25 s before"
    return Row(goal, figure, whole and not recorded and not twice)


def _done(path: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for line in path.read_bytes().split(b"\n"):
        with suppress(ValueError):
            lines.append(json.loads(line))
    return [line for line in lines if line.get("state") == "done"]


def _number(prompt: str) -> int:
    return int(prompt.rpartition(" ")[2])


def _fails(number: int) -> bool:
    return number % 20 == 7


# --- the server and its clients, each a process --------------------------------------------------


class Server:
    def __init__(self, log: Path) -> None:
        self._log = log
        log.touch()
        command = [sys.executable, __file__, "serve", str(log)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # noqa: S101
        port = int(self._process.stdout.readline())
        self._env = os.environ | {"LLAMACPP_BASE_URL": f"http://127.0.0.1:{port}/v1"}
        self._env["PYTHONPATH"] = str(ROOT / "src")

    def start(self, what: str, calls: int, path: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, __file__, what, str(calls), path]
        return subprocess.Popen(command, env=self._env, stdout=subprocess.PIPE, text=True)

    def client(self, what: str, calls: int, path: str = "") -> dict[str, Any]:
        out, _ = self.start(what, calls, path).communicate()
        return json.loads(out)

    def forget(self) -> int:
        return self._log.stat().st_size

    def log(self, since: int) -> list[dict[str, Any]]:
        lines = self._log.read_bytes()[since:].split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


async def _serve(log: str) -> None:
    file = Path(log).open("ab", buffering=0)  # noqa: ASYNC230, SIM115 - for as long as the process

    def note(what: str, prompt: str) -> None:
        line = {"what": what, "prompt": prompt, "at": time.monotonic()}
        file.write(json.dumps(line).encode() + b"\n")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while await _answer(reader, writer, note):
                pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Any) -> bool:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    begun = asyncio.get_running_loop().time()
    prompt = json.loads(await reader.readexactly(size))["messages"][-1]["content"]
    note("asked", prompt)
    number = _number(prompt)
    how = number // 20 % 3 if _fails(number) else None
    if how == 0:
        await _until(begun + LATENCY)
        body = b'{"error": {"message": "refused by the bench"}}'
        status = b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(status % len(body) + body)
        return True
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    for index in range(TOKENS):
        await _until(begun + (index + 1) * LATENCY / TOKENS)
        if writer.is_closing():
            return False
        writer.write(_chunk({"choices": [{"index": 0, "delta": {"content": f"t{index} "}}]}))
    if how == 1:
        writer.write(_chunk({"error": {"message": "failed by the bench", "code": 500}}))
    elif how == 2:
        return False
    else:
        stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        writer.write(_chunk(stop | {"usage": {"prompt_tokens": 7, "completion_tokens": TOKENS}}))
        writer.write(_framed(b"data: [DONE]\n\n"))
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    if writer.is_closing():  # nobody has heard it
        return False
    note("ended", prompt)
    return True


async def _until(moment: float) -> None:
    await asyncio.sleep(max(moment - asyncio.get_running_loop().time(), 0.0))


def _chunk(value: Any) -> bytes:
    return _framed(b"data: " + json.dumps(value).encode() + b"\n\n")


def _framed(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


def _client(what: str, calls: int, path: str) -> None:
    import ipyllm
    from ipyllm.sweep import grid

    ipyllm.ask(WARM_UP, model="llamacpp/m")
    begun, cpu = time.perf_counter(), time.process_time()
    g = grid(
        [f"Prompt {number}" for number in range(calls)],
        models="llamacpp/m",
        at_once=AT_ONCE,
        path=path or None,
    )
    rss: list[float] = []
    if what == "memory":
        for count, _ in enumerate(g, 1):
            if count % 1000 == 0:
                rss.append(_rss())
    while not g.joined(0.25):
        g.bundle(live=True)
    seconds = time.perf_counter() - begun
    states = Counter(row.state for row in g.rows)
    full = " ".join(f"t{index}" for index in range(TOKENS)) + " "
    out = {
        "seconds": seconds,
        "cpu": time.process_time() - cpu,
        "done": sum(row.text == full and row.tokens == TOKENS for row in g if row.state == "done"),
        "failed": states["failed"],
        "waiting": states["waiting"] + states["running"] + states["stopped"],
        "errors": [row.error.partition(":")[0] for row in g if row.error],
        "rss_mb": rss,
    }
    print(json.dumps(out))


def _rss() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", log]:
            asyncio.run(_serve(log))
        case [what, calls, path]:
            _client(what, int(calls), path)
        case _:
            print(*rows(), sep="\n")
