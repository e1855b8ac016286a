"""`python -m contextprune` is the command line."""

import sys

from contextprune.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
