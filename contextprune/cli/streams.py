"""Standard output, which takes a result as it is, and standard error, which shows on a terminal what is being done."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import typer

from contextprune.errors import ContextPruneError


def print_bytes(data: bytes) -> None:
    """Bytes to standard output, as they are. A reader who left early (`| head`) is no error."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as exc:
        with suppress(OSError, ValueError):  # the interpreter's own flush at the end must not fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(exc, BrokenPipeError):
            raise typer.Exit(141) from exc  # what a shell sees of any other program that a closed pipe stops
        raise ContextPruneError(f"standard output cannot be written: {exc.strerror}") from exc


@contextmanager
def status(first: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - `--help` does without
    from rich.text import Text  # noqa: PLC0415 - `--help` does without

    console = Console(stderr=True)
    with console.status(first) as spinner:
        # Names of files are no markup, and a line that wraps would jump.
        yield lambda stage: spinner.update(Text(stage[: console.width - 3], no_wrap=True, overflow="ellipsis"))
