"""`python -m ipyllm`: the same as the command `ipyllm`."""

from __future__ import annotations

import sys

from ipyllm.cli import main

if __name__ == "__main__":
    sys.exit(main())
