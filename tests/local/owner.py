"""
An owner of an embedded model, for tests that end it: `owner.py WEIGHTS [hold|fork]`.

Says the child's pid on stdout, then waits to be killed. `hold`: another process has
a copy of the child's life line; its pid comes second. `fork`: a fork asks what is
running, drops everything and ends; its answer comes second.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ipyllm.local import server


def main(weights: Path, how: str) -> None:
    """Start the model and wait."""
    own = server.ensure(weights)
    print(own.pid, flush=True)  # before a fork copies the buffer
    if how == "hold":
        (child,) = server._children.by_path.values()
        stdin = child._popen.stdin
        line = stdin.fileno() if stdin else -1
        holder = subprocess.Popen(
            ["sleep", "60"], pass_fds=[line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        print(holder.pid)
    if how == "fork" and (fork := os.fork()) == 0:
        print(server.running(weights), flush=True)
        server.stop()
        os._exit(0)
    elif how == "fork":
        os.waitpid(fork, 0)
        print(server.running(weights) == own)
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
