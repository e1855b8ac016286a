"""`python -m contextprune.bench`: the benchmark without the rest of the command line."""

from __future__ import annotations

import sys

import typer

from contextprune.bench.command import bench
from contextprune.errors import ContextPruneError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command()(bench)

if __name__ == "__main__":
    try:
        app(prog_name="python -m contextprune.bench")
    except ContextPruneError as error:
        sys.exit(f"contextprune: error: {error}")
