"""`contextprune audit`: recorded sessions as the proxy would have sent them, with its scorer and within its time."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from contextprune.cli.output import save
from contextprune.cli.serve import RepetitionsOnly
from contextprune.cli.streams import print_bytes, status
from contextprune.cli.values import number, option, policy_of, whole_number
from contextprune.dialects import read
from contextprune.policy import Policy
from contextprune.proxy.options import Options, load_options
from contextprune.pruner import Pruner
from contextprune.settings import load_settings
from contextprune.storage.store import MemoryStore

if TYPE_CHECKING:
    from contextprune.audit import Audit


def audit(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Session files, and folders of them.")],
    html: Annotated[str | None, typer.Option(help="Write a page with plots to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    model: Annotated[str | None, typer.Option(help="Count with the prices of this model.")] = None,
    limit: Annotated[int | None, option("N", "Only so many sessions, the newest.", whole_number(1))] = None,
    since: Annotated[float | None, option("DAYS", "Only files written in so many last days.", number(0))] = None,
    compare: Annotated[
        int, option("N", "Replay so many of the newest sessions under other values of `recall`, too.", whole_number(0))
    ] = 10,
    repetitions_only: RepetitionsOnly = False,
) -> None:
    """Say what recorded sessions cost, and what they would have cost with contextprune.

    Each session is replayed request by request, as `contextprune serve` would have sent it from this machine: with its
    scorer, and within the time that it waits for decisions. Nothing is changed, nothing is kept, no key is needed.
    Claude Code and Codex logs, request bodies, message lists and trajectories are found by their content.

    \b
    Examples:
      contextprune audit ~/.claude/projects --limit 20
      contextprune audit session.jsonl --html page.html
      contextprune audit logs/ --model claude-sonnet-4-5 --since 7
      contextprune audit logs/ --compare 0 --json > figures.json
    """  # noqa: D301 - \b is click's mark for lines that are not to be refilled
    from contextprune import audit as auditing  # noqa: PLC0415 - the other commands do without

    options = load_options()
    with status("reading settings and the scorer") as progress:
        pruner = pruner_of(policy_of(repetitions_only=repetitions_only), options)
        after = None if since is None else time.time() - since * 86_400
        audited = auditing.audit(
            paths, pruner, model, limit, after, progress,
            patience=patience_of(options), waits=waits(options), compare=compare,
        )  # fmt: skip

    if html:
        save(html, auditing.page(audited).encode())
    text = json.dumps(auditing.as_json(audited), indent=2) if as_json else _as_table(audited)
    print_bytes(f"{text.rstrip()}\n".encode("utf-8", "backslashreplace"))


def _as_table(audited: Audit) -> str:
    """The figures for a terminal, as wide as it is, or for a pipe."""
    from contextprune.audit import as_text  # noqa: PLC0415 - the other commands do without

    width = max(70, min(140, shutil.get_terminal_size((100, 24)).columns))
    styled = sys.stdout.isatty()
    return as_text(audited, width, (lambda title: typer.style(title, bold=True)) if styled else str)


def pruner_of(policy: Policy, options: Options) -> Pruner:
    """An engine that decides as a scorer process of the proxy does, ready for the first request; it keeps nothing."""
    from contextprune.cli.doctor import canary  # noqa: PLC0415 - the other commands do without
    from contextprune.scoring import load_scorer  # noqa: PLC0415 - as above

    settings = load_settings()
    scorer = load_scorer(settings.scorer, settings.device)
    hints = options.recall != "off"
    pruner = Pruner(policy, scorer, store=MemoryStore(), hints=hints)
    trial = Pruner(policy, scorer, pruner.counter, MemoryStore(), hints=hints)
    trial(read(canary(), format="openai-chat"))  # the first decision is slow, and the proxy makes it before it is ready
    return pruner


def patience_of(options: Options) -> Callable[[int], float]:
    """How long the proxy lets a request wait for its decisions: see `audit.patience.Patience`."""
    from contextprune.proxy.pool.deadlines import seconds_worth  # noqa: PLC0415 - the other commands do without

    return lambda new: seconds_worth(new, options.deadline, options.prefill)


def waits(options: Options) -> str:
    """How long a request waits for its decisions, in words."""
    return f"as `contextprune serve` decides here: at most {options.deadline:g} s a request, less for small ones"
