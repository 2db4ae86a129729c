"""
The command line: `ipyllm fetch-model`, `ipyllm version`.

Standard library only, and nothing heavy before the command is known: it has to
answer at once in a fresh environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TextIO

from ipyllm.errors import IpyllmError

__all__ = ("main",)

_BAR = 30  # characters
_INTERRUPTED = 130  # 128 + SIGINT, what shells expect


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    command = _parser().parse_args(argv).command
    try:
        match command:
            case "fetch-model":
                _fetch_model()
            case _:
                print(_version())
    except IpyllmError as exc:
        print(f"ipyllm: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ipyllm: interrupted, nothing was left behind", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ipyllm", description="Streaming LLM answers in Jupyter: the helper commands."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "fetch-model",
        help="download the small demo model (98 MB) for use without a key or an account",
        description="Download the demo model SmolLM2-135M-Instruct (Apache-2.0, 98 MB) into the "
        "cache folder (IPYLLM_CACHE to choose another). Safe to run again.",
    )
    commands.add_parser("version", help="show the installed version")
    return parser


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("ipyllm")
    except metadata.PackageNotFoundError:
        return "unknown (not installed)"


def _fetch_model() -> None:
    from ipyllm.local.fetch import fetch
    from ipyllm.local.weights import NAME

    progress = _Progress(sys.stderr)
    try:
        path = fetch(progress.show)
    finally:
        progress.close()
    print(f"{NAME} is ready: {path}")


class _Progress:
    """
    Bytes done, on a terminal as a bar in one line, elsewhere as five lines in all.

    A log file would keep every step of a bar.
    """

    __slots__ = ("_bar", "_out", "_shown")

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._bar = out.isatty()
        self._shown = -1

    def show(self, done: int, total: int) -> None:
        """Draw, if there is something new to see."""
        percent = 100 * done // total
        step = percent if self._bar else percent // 25 * 25
        if step <= self._shown:
            return
        self._shown = step
        amount = f"{step:3d} %  {done / 1e6:.0f} of {total / 1e6:.0f} MB"
        if self._bar:
            filled = "#" * (_BAR * step // 100)
            self._out.write(f"\r[{filled:<{_BAR}}] {amount}")
        else:
            self._out.write(f"fetching and unpacking: {amount}\n")
        self._out.flush()

    def close(self) -> None:
        """End the bar's line, so that what follows has its own."""
        if self._bar and self._shown >= 0:
            self._out.write("\n")


if __name__ == "__main__":
    sys.exit(main())
