"""
The embedded model's process: one llama.cpp server that dies with its owner.

Run as `python -m ipyllm.local.child`. One JSON line on stdin, `{"path", "api_key"}`
(not in argv or environ: `ps` shows those), one on stdout: `{"port", "load_s"}` when
it answers, or `{"error"}`. Then stdin is the life line: when it ends, so do we.

Errors of llama.cpp go to stderr until the model is loaded, nothing goes there after.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

__all__ = ("main",)

# RSS with SmolLM2 in use: 241 MB at 2048, 254-274 MB at 4096, 382 MB at 8192 (its most).
_CONTEXT = 4096  # tokens
# A closed connection is noticed between two batches of a prefill, and only if the
# request has `return_progress` (without it: at the prefill's end, 10 s at 1,200 tokens).
# Close -> slot free, prefill, medians of 9, one thread: batch 16 0.30 s, 96 tokens/s;
# 32 0.52 s, 105; 64 1.02 s, 114.
_BATCH = 32  # tokens
# To fit a model to the memory it is loaded twice: 0.17 of 0.68 s for one that always fits.
_FIT_FROM = 1_000_000_000  # bytes of the file
_MOST_THREADS = 8  # beyond that a small model only waits at barriers
_OWNER_POLL_S = 1.0
_ERRORS_ONLY = 1  # llama.cpp verbosity; at -1 a failed load gives no reason


def main() -> NoReturn:
    """Serve until stdin ends or the owner is gone."""
    # Some front ends interrupt the whole process group; an interrupt is for the cell.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    owner = os.getppid()
    answer = _take_stdout()
    config = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_leave_at_eof, daemon=True).start()
    try:
        started = time.perf_counter()
        server = _serve(config["path"], config["api_key"])
        load_s = time.perf_counter() - started
        address: str = server.listening_address
    except (ImportError, AttributeError) as exc:
        _end(answer, f"this build of xllamacpp does not fit: {exc}")
    except (OSError, RuntimeError) as exc:
        _end(answer, str(exc))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # older builds install their own
    _silence()
    _say(answer, {"port": urlsplit(address).port, "load_s": round(load_s, 3)})
    # Not PR_SET_PDEATHSIG: it fires when the *thread* that started us ends. Needed
    # beside the life line because a fork of the owner holds the line open.
    while os.getppid() == owner:
        time.sleep(_OWNER_POLL_S)
    os._exit(0)


def _threads() -> int:
    """
    Threads for the model: one processor stays free for the kernel and its front end.

    Counts what this process may really use: with a thread more than that, llama.cpp
    waits at barriers and falls from 55 to 1.4-4.6 tokens/s.
    """
    return max(1, min(_usable_cpus() - 1, _MOST_THREADS))


def _usable_cpus() -> int:
    cpus = os.cpu_count() or 1
    if sys.platform == "linux":
        cpus = len(os.sched_getaffinity(0))
        # Containers (JupyterHub, Binder): 64 processors to be seen, 2 to be used.
        try:
            quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
            cpus = min(cpus, -(-int(quota) // int(period)))
        except (OSError, ValueError):  # no cgroup v2 here, or "max": no limit
            pass
    return cpus


def _serve(path: str, api_key: str) -> Any:
    """The running server. Holds the GIL while it loads: no other thread runs meanwhile."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.model_alias = {"local"}  # else /v1/models tells the path, with the user's name
    params.verbosity = _ERRORS_ONLY
    params.warmup = False
    params.n_ctx = _CONTEXT
    params.n_batch = params.n_ubatch = _BATCH
    params.fit_params = Path(path).stat().st_size > _FIT_FROM
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
    # The slot keeps its own prefix; this one would keep up to 8 GB of older ones.
    params.cache_ram_mib = 0
    params.offline = True
    params.ui = False
    params.port = 0  # the system chooses
    # By default any web page may use the server: no key, any origin.
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [api_key]
    params.cors_origins = ""
    params.cors_origins_explicit = True
    params.cors_credentials = False
    params.sse_ping_interval = 10  # seconds
    return xllamacpp.Server(params)


def _take_stdout() -> int:
    """A descriptor for our one line; what libraries print goes to stderr from now on."""
    answer = os.dup(1)
    os.dup2(2, 1)
    return answer


def _silence() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)


def _say(answer: int, line: dict[str, object]) -> None:
    os.write(answer, json.dumps(line).encode() + b"\n")
    os.close(answer)


def _end(answer: int, error: str) -> NoReturn:
    sys.stderr.flush()
    _say(answer, {"error": error})
    # Not sys.exit: it would wait for threads of the C++ side.
    os._exit(1)


def _leave_at_eof() -> NoReturn:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
