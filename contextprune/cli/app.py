"""The command line. A result goes to standard output or into a file, never half of it; notes go to standard error.

Exit status: 0 done; 1 an error, named in one line; 2 the command was not understood; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from contextprune import api
from contextprune._version import __version__
from contextprune.api import Compressed
from contextprune.cli import audit as cli_audit
from contextprune.cli import serve as cli_serve
from contextprune.cli.batch import bodies, compress_file
from contextprune.cli.bench import bench
from contextprune.cli.config import config
from contextprune.cli.folder import compress_folder
from contextprune.cli.output import save, written
from contextprune.cli.streams import print_bytes, status
from contextprune.cli.totals import stats
from contextprune.cli.train import train
from contextprune.cli.values import budget_of, option, policy_of
from contextprune.dialects import Lines, load_any, read
from contextprune.dialects.files import bytes_of
from contextprune.display.amounts import plural
from contextprune.errors import ContextPruneError
from contextprune.interpreter import isolate_children
from contextprune.markers import recall_keys
from contextprune.policy import Budget
from contextprune.pruner import Pruner
from contextprune.storage.store import MemoryStore, location_of

_Ceiling = Annotated[Budget | None, option("SHARE|TOKENS", "The most that may remain: 0.4, 40% or 8000.", budget_of)]
_Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print no report, only the result (and a key it cannot hold).")
]
_LONG = 1 << 20  # bytes of input from which on a terminal shows the stage


app = typer.Typer(
    name="contextprune",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help is plain text: quick, and the same in a pipe
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv` (None: this process's own arguments); the exit status."""
    if argv is None:
        signal.signal(signal.SIGTERM, _stop)  # as an exception, so that temporary files go
        isolate_children()

    try:
        app(args=None if argv is None else list(argv), prog_name="contextprune")
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except KeyboardInterrupt:
        return 130
    except ContextPruneError as exc:
        return _failed(str(exc))
    except MemoryError:
        return _failed("not enough memory for this input")
    except Exception as exc:  # the last line of defence: a user gets one line and a status, never a traceback
        if sys.flags.dev_mode:
            raise
        fault = f"{type(exc).__name__}: {exc}"
        return _failed(f"{fault} (a bug: `python -P -X dev -m contextprune ...` shows where; please report it)")
    return 0


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"contextprune {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Shorten what an LLM agent carries in its context, and give back all that was taken out.

    \b
    Examples:
      contextprune compress body.json --budget 0.4 -o short.json
      contextprune compress session.jsonl --html page.html -o /dev/null
      contextprune audit ~/.claude/projects --limit 20
      contextprune serve --mode audit
      contextprune wrap claude
      contextprune stats --by month
      contextprune recall 2gk5hq3m7xvo --lines 12-40
      contextprune config show
      contextprune doctor
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled


@app.command()
def compress(
    file: Annotated[str, typer.Argument(help="A body, log or any text; a folder; - is standard input.")],
    budget: _Ceiling = None,
    query: Annotated[str | None, typer.Option(help="What the context is needed for.")] = None,
    output: Annotated[str | None, typer.Option("-o", "--output", help="Write the result to this file.")] = None,
    html: Annotated[str | None, typer.Option(help="Write a page that shows what was kept and why.")] = None,
    format: Annotated[str | None, typer.Option(help="The format of FILE, where its content does not tell.")] = None,  # noqa: A002 - the word that users know
    explain: Annotated[bool, typer.Option("--explain", help="List the largest parts taken out, and why.")] = False,
    repetitions_only: cli_serve.RepetitionsOnly = False,
    quiet: _Quiet = False,
) -> None:
    """Shorten a context or a plain text, in its own format, and say what was done.

    FILE is a request body, a list of messages or a session log; anything else (a log, the output of a command, a page,
    data) is taken as plain text, and a folder as documents to read for --query. Without --budget every block is decided
    as on its arrival: only what is not worth its tokens goes. In a file with one request body a line, each line is a
    context of its own, with a budget of its own.

    \b
    Examples:
      contextprune compress body.json --budget 0.4 -o short.json
      contextprune compress app.log --budget 2000 --query "why did it fail?"
      pytest 2>&1 | contextprune compress -
      contextprune compress docs/ --query "how are tokens rotated?" --budget 3000
      cat body.json | contextprune compress - --html page.html -o /dev/null --explain
    """  # noqa: D301 - as above
    pruner = Pruner(policy_of(budget, repetitions_only=repetitions_only))
    wants_texts = explain or html is not None
    compressed, result, texts = _compressed(file, budget, query, format, pruner, wants_texts=wants_texts)

    delivered = _deliver(result, output, is_text=isinstance(compressed.payload, str))
    if html:
        save(html, _page(compressed, file, texts, pruner))
    if quiet:
        _tell_of_keys(compressed.report.notes, result)
    else:
        _show_report(compressed, pruner, texts if explain else None, _originals(file, pruner))
    if not delivered:
        typer.echo("The result was not printed: write it with -o OUT.json, or into a pipe.", err=True)


app.command()(cli_audit.audit)
app.command()(cli_serve.serve)
app.command(context_settings={"allow_interspersed_args": False})(cli_serve.wrap)  # what follows the agent is its own
app.command()(cli_serve.mcp)
app.command()(stats)


@app.command()
def recall(
    key: Annotated[str, typer.Argument(help="The key in a marker: recall=KEY.")],
    lines: Annotated[str | None, typer.Option(help="Only these lines of the original: 12, 12-40 or 12-40,60.")] = None,
    query: Annotated[
        str | None, typer.Option(help="Only lines that hold all these words; of a long line, what is around them.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option(help="Only these elements of a JSON list, or records of a table: 3 or 3-20.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Only the value at this place of a JSON text.")] = None,
    chars: Annotated[str | None, typer.Option(help="Only these characters, counted from 1: 64001-96000.")] = None,
) -> None:
    """Print the original that a marker stands for, byte for byte.

    \b
    Examples:
      contextprune recall 2gk5hq3m7xvo
      contextprune recall 2gk5hq3m7xvo --lines 12-40
      contextprune recall 2gk5hq3m7xvo --query timeout
      contextprune recall 2gk5hq3m7xvo --path 'items[17].status'
    """  # noqa: D301 - as above
    text = api.recall(key, query=query, lines=lines, rows=rows, path=path, chars=chars)

    print_bytes(text.encode("utf-8", "surrogatepass"))


@app.command()
def doctor(
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="Examine the proxy that runs there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is in use, and prove on a small session that it works; exit status 1 where it does not.

    With --proxy a session is sent through a running proxy, which needs no key and asks no provider. From another
    machine its token is needed, in CONTEXTPRUNE_SERVE_TOKEN.

    \b
    Examples:
      contextprune doctor
      contextprune doctor --proxy http://127.0.0.1:8788
      contextprune doctor --json
    """  # noqa: D301 - as above
    from contextprune.cli.doctor import examine  # noqa: PLC0415 - the other commands do without
    from contextprune.cli.doctor_proxy import examine_proxy  # noqa: PLC0415 - as above

    findings = examine() if proxy is None else examine_proxy(proxy)
    if as_json:
        rows = [{"name": f.name, "ok": not f.trouble, "said": f.state, "trouble": f.trouble} for f in findings]
        typer.echo(json.dumps(rows, indent=2))
    else:
        for finding in findings:
            mark = typer.style("FAIL", fg="red") if finding.trouble else typer.style("ok  ", fg="green")
            line = "; ".join(filter(None, (finding.state, finding.trouble)))
            typer.echo(f"{mark}  {finding.name:10} {line}")
    if any(finding.trouble for finding in findings):
        raise typer.Exit(1)


app.add_typer(config, name="config")
app.command()(bench)
app.command()(train)


def _compressed(
    file: str,
    budget: Budget | None,
    query: str | None,
    format: str | None,  # noqa: A002 - as above
    pruner: Pruner,
    *,
    wants_texts: bool,
) -> tuple[Compressed[Any], bytes, dict[int, str]]:
    """What `file` became, laid out as the file is, and the new text of each segment that has one."""
    if file != "-" and Path(file).is_dir():
        with status(file) as progress:
            of_folder, texts = compress_folder(file, budget, query, pruner, progress)
        return of_folder, bytes_of(of_folder.payload), texts

    data = _input(file)
    with _progress(len(data)) as progress:
        progress("reading")
        payload, _ = load_any(data, format)
        _tell_of_torn(payload)
        compressed = compress_file(payload, budget, query, format, pruner, progress)
        progress("writing")
        result = written(compressed.payload, payload, data)
        return compressed, result, _new_texts(compressed, format) if wants_texts else {}


def _tell_of_torn(payload: Any) -> None:
    lines = payload.torn if isinstance(payload, Lines) else ()
    if lines:
        shown = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
        typer.echo(f"Not whole, so left as they are: {plural(len(lines), 'line')} ({shown}).", err=True)


def _tell_of_keys(notes: Iterable[str], result: bytes) -> None:
    """Say which keys give back what went where no marker in the result names them: nothing else would."""
    for note in notes:
        if any(key.encode() not in result for key in recall_keys(note)):
            typer.echo(f"contextprune: {note}", err=True)


def _deliver(result: bytes, output: str | None, *, is_text: bool) -> bool:
    """Write the result where it is wanted; False where nobody said so and it is no text for a terminal."""
    if output not in (None, "-"):
        save(output, result)
        return True
    if output is None and not is_text and sys.stdout.isatty():
        return False
    print_bytes(result)
    return True


def _new_texts(compressed: Compressed[Any], format: str | None) -> dict[int, str]:  # noqa: A002 - as above
    """The new text of each segment that has one, by index."""
    after = [segment for body in bodies(compressed.payload, format) for segment in read(body, format=format).segments]
    before = compressed.plan.context.segments
    return {i: new.text for i, new in enumerate(after) if new.text != before[i].text}


def _page(compressed: Compressed[Any], file: str, texts: Mapping[int, str], pruner: Pruner) -> bytes:
    from contextprune.display.heatmap import render_page  # noqa: PLC0415 - only where it is asked for

    title = "standard input" if file == "-" else Path(file).name
    return render_page(compressed.plan, compressed.report, title, texts, pruner.counter).encode()


def _originals(file: str, pruner: Pruner) -> str:
    """Where the originals of what was cut are, as the report says it."""
    if file != "-" and Path(file).is_dir():
        return file
    if isinstance(pruner.store, MemoryStore):
        return "memory: gone with this command, recall finds nothing"
    return location_of(pruner.store)


def _show_report(
    compressed: Compressed[Any], pruner: Pruner, explained: Mapping[int, str] | None, originals: str
) -> None:
    """Print the report with where the originals are, and where new texts are to be `explained`, what went."""
    from rich.console import Console  # noqa: PLC0415 - `--help` does without

    from contextprune.display.terminal import cut_before, show_decisions, show_report  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    show_report(console, compressed.report, originals)
    if explained is not None:
        console.file.write("\n")
        show_decisions(console, compressed.plan, list(cut_before(compressed.plan, explained, pruner.counter)))


def _input(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path
        raise ContextPruneError(f"{file} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc


@contextmanager
def _progress(size: int) -> Iterator[Callable[[str], None]]:
    """Show the stage of a long run on a terminal."""
    if size < _LONG:
        yield lambda _: None
        return
    with status(f"{size / 1e6:.1f} MB") as progress:
        yield lambda stage: progress(f"{stage} ({size / 1e6:.1f} MB)")


def _failed(message: str) -> int:
    typer.echo(f"contextprune: error: {' '.join(message.split())}", err=True)
    return 1


def _stop(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
