"""The families of tools, and how much of the samples each makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from contextprune.training.executed.families import (
    build,
    compilers,
    conflicts,
    docs,
    files,
    frameworks,
    history,
    installed,
    interpreter,
    lint,
    listing,
    logs,
    markup,
    operations,
    python_checks,
    python_runs,
    resolver,
    runners,
    search,
    servers,
    settings,
    sql,
    tests_run,
    tracebacks,
    traces,
    web,
)
from contextprune.training.executed.output import Output
from contextprune.training.executed.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Family:
    """A family of tools: an endless source of outputs.

    share   its weight among all
    per     most samples from one output
    """

    name: str
    outputs: Callable[[Workbench], Iterator[Output]]
    share: float = 1.0
    per: int = 25


_OF_CHECKS = (
    compilers, conflicts, frameworks, markup, operations, python_checks, python_runs, resolver, runners, servers,
    traces,
)  # fmt: skip
_CHECKS = tuple(check for module in _OF_CHECKS for check in module.CHECKS)

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("files", files.views, 2, 20),
        Family("grep", search.greps, 2, 24),
        Family("sql", sql.tables, 1.3, 22),
        Family("http", web.replies, 1.3, 22),
        Family("listing", listing.listings, 1.6, 20),
        Family("pytest", tests_run.runs, 1.8, 26),
        Family("unittest", tests_run.unittests, 1.2, 20),
        Family("traceback", tracebacks.crashes, 1.5, 22),
        Family("pydoc", docs.pages, 1.2, 24),
        Family("logs", logs.services, 1.6, 26),
        Family("git", history.histories, 2.6, 14),
        Family("ruff", lint.ruffs, 1.3, 14),
        Family("mypy", lint.mypys, 0.8, 18),
        Family("pip", installed.packages, 1.1, 10),
        Family("config", settings.settings, 1.7, 20),
        Family("dis", interpreter.bytecode, 0.7, 10),
        Family("ast", interpreter.trees, 0.5, 9),
        Family("profile", interpreter.profiles, 0.9, 16),
        Family("build", build.builds, 1.0, 20),
        Family("help", build.helps, 1.0, 16),
        *(Family(check.kind, check, 0.7, 16) for check in _CHECKS),
        *(Family(listing.kind, listing, 0.5, 16) for listing in operations.LISTINGS),
    )
}
