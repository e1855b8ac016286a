"""Merges of branches that changed the same lines: what git says, the status, the diff, the file with its conflicts."""

from __future__ import annotations

from pathlib import Path

from contextprune.training.executed.checks import Check, Project
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import ARGUMENTS, NOUNS, VERBS
from contextprune.training.executed.material import Module
from contextprune.training.executed.phrases import spell_out
from contextprune.training.executed.workbench import Workbench

MAX_FILES = 9
_DATE = "2025-03-01T10:00:00+00:00"
_ENV = {
    "GIT_AUTHOR_NAME": "Dev One",
    "GIT_AUTHOR_EMAIL": "dev@example.com",
    "GIT_AUTHOR_DATE": _DATE,
    "GIT_COMMITTER_NAME": "Dev One",
    "GIT_COMMITTER_EMAIL": "dev@example.com",
    "GIT_COMMITTER_DATE": _DATE,
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "init.defaultBranch",
    "GIT_CONFIG_VALUE_0": "main",
}
_SETUP = (
    "git init -q; cp base/* .; git add *.py; git commit -qm 'Import the service'; "
    "git checkout -qb feature; cp theirs/* .; git commit -qam 'Rework totals'; "
    "git checkout -q main; cp ours/* .; git commit -qam 'Fix rounding'; rm -r base ours theirs"
)
_MERGED = f"{_SETUP}; git merge feature"

_CONFLICT = Form(
    r"CONFLICT \([^)]*\): Merge conflict in (?P<file>\S+)|error: could not apply",
    more=r"(?!)",
    summary=r"Automatic merge failed|Merge made by|hint: Resolve all",
)
_STATUS = Form(
    r"\t(?:both modified|both added|deleted by \w+):\s+(?P<file>\S+)",
    more=r"(?!)",
    heading=r"Unmerged paths:",
    summary=r"You have unmerged paths|All conflicts fixed",
)
_DIFF = Form(
    r"\+\+<<<<<<<", more=r"(?!\+\+>>>>>>>)", last=r"\+\+>>>>>>>", heading=r"diff --cc (?P<file>\S+)", idle=r"\s*$"
)
_VIEW = Form(r"<<<<<<< ", more=r"(?!>>>>>>>)", last=r">>>>>>>", idle=r"\s*$")
_CHECKED = Form(r"(?P<file>[^\s:]+):(?P<line>\d+): (?P<code>leftover conflict marker)", more=r"(?!)")


def _changed(bench: Workbench, module: Module, rows: dict[int, str]) -> str:
    """Write a module with lines put before some of its lines."""
    lines = module.text.split("\n")
    for row in sorted(rows, reverse=True):
        original = lines[row]
        indent = original[: len(original) - len(original.lstrip())]
        body = f"{rows[row]} = {bench.rng.randrange(100)}"
        lines[row] = f"{indent}{body}\n{original}"
    return "\n".join(lines)


def _name(bench: Workbench) -> str:
    return f"{bench.rng.choice(VERBS)}_{bench.rng.choice(NOUNS)}_{bench.rng.choice(ARGUMENTS)}"


def branches(bench: Workbench) -> Project:
    """Make the files of a common start and of two branches, some of which changed the same places."""
    rng = bench.rng
    texts: dict[str, str] = {}
    planted: list[Planted] = []
    subject = ""
    for _ in range(rng.randrange(3, MAX_FILES)):
        package, path, module = bench.source(min_symbols=3, max_lines=300)
        bodies = sorted({s.body for s in module.symbols if not s.is_class and s.body > s.head})
        name = Path(path).name
        if len(bodies) < 3 or f"base/{name}" in texts:
            continue
        subject = subject or package.name

        of_main = {row: _name(bench) for row in rng.sample(bodies, rng.randrange(1, 3))}
        theirs = {row: _name(bench) for row in rng.sample(bodies, rng.randrange(1, 3))}
        if rng.random() < 0.4:
            theirs[min(of_main)] = _name(bench)
        planted += [
            Planted(f"two changes in one place, about {spell_out(theirs[row])}", name, 0, of_main[row])
            for row in sorted(of_main.keys() & theirs.keys())
        ]
        texts[f"base/{name}"] = module.text
        texts[f"ours/{name}"] = _changed(bench, module, of_main)
        texts[f"theirs/{name}"] = _changed(bench, module, theirs)

    names = sorted({name.partition("/")[2] for name in texts})
    torn = sorted({fault.file for fault in planted}) or names
    return Project(subject or "stdlib", texts, planted, [rng.choice(torn)] if torn else ["nothing.py"])


CHECKS = (
    Check(
        "git_merge",
        ("git",),
        (
            ("git merge feature", _CONFLICT),
            ("git rebase feature", _CONFLICT),
            ("git cherry-pick feature", _CONFLICT),
        ),
        branches,
        _ENV,
        _SETUP,
    ),
    Check(
        "conflicts",
        ("git",),
        (("git diff", _DIFF), ("cat {files}", _VIEW), ("git status", _STATUS), ("git diff --check", _CHECKED)),
        branches,
        _ENV,
        _MERGED,
    ),
)
