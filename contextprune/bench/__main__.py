"""`python -m contextprune.bench`: the same as `contextprune bench`."""

from __future__ import annotations

import sys

from contextprune.cli.app import main

if __name__ == "__main__":
    sys.exit(main(["bench", *sys.argv[1:]]))
