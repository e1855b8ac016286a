"""Git over a file that grows by real functions: `log`, `show`, `diff`, `blame`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contextprune.training.executed.material import Module, Symbol
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword, spell_out
from contextprune.training.executed.workbench import Workbench

_CAME = (
    "Which commit brought in {subject}?",
    "When was {subject} added?",
    "Find the change that introduced {subject}.",
    "Who wrote {subject}, and in which commit?",
    "I want to revert the addition of {subject}. Which hash?",
)
_FIXED = (
    "Which commit touched {subject} last?",
    "{subject} worked before; which later commit changed it?",
    "Find the fix to {subject}.",
)
_EARLIEST = (
    "Which is the earliest commit shown?",
    "What did the history start with?",
    "Where does this log begin in time?",
)
_LATEST = ("What was done most recently?", "Which commit is newest?", "What is the latest change?")
_DIFF = (
    "What changed in {subject}?",
    "Was {subject} touched, and how?",
    "Review the edit of {subject}.",
    "Show only the part of the change that concerns {subject}.",
)
_REMOVED = (
    "What was removed?",
    "Which code was dropped by this change?",
    "Is anything lost here that callers may need?",
)
_BLAME = (
    "Who last changed {subject}?",
    "In which commit was {subject} written?",
    "Whom do I ask about {subject}?",
    "Since when do we have {subject}?",
)
_AUTHORS = ("Dev One", "Dev Two", "Dev Three", "Build Bot")


@dataclass(slots=True)
class _Story:
    """A file's history: `changes[i]` is the action of commit i ("start", "add", "edit") and its symbol."""

    name: str
    module: Module
    changes: list[tuple[str, Symbol | None]]
    hashes: list[str]
    edits: dict[str, set[str]]  # for each symbol the lines that were edited, before and after


def histories(bench: Workbench) -> Iterator[Output]:
    """Endless outputs, six of each fresh repository."""
    while True:
        package, name, module = bench.source(min_symbols=8, max_lines=900)
        symbols = [s for s in module.symbols if not s.owner and s.end - s.top < 60]
        if len(symbols) < 4 or len({s.name for s in symbols}) < len(symbols):
            continue
        folder = bench.fresh_folder()
        story = _build_repository(bench, folder, Path(name).name, module, symbols)
        for make_output in (_log, _log, _change, _change, _change, _blame):
            yield make_output(bench, folder, story, package.name)


def _git(bench: Workbench, folder: Path, *arguments: str, author: str = "Dev One", day: int = 0) -> str:
    date = f"2025-{1 + day // 28 % 12:02d}-{1 + day % 28:02d}T{8 + day % 11:02d}:{day * 7 % 60:02d}:00+00:00"
    mail = f"{author.lower().replace(' ', '.')}@example.com"
    env = {f"GIT_{role}_{field}": value for role in ("AUTHOR", "COMMITTER")
           for field, value in (("NAME", author), ("EMAIL", mail), ("DATE", date))}  # fmt: skip
    return bench.run(["git", *arguments], folder, "/repo", env)


def _build_repository(bench: Workbench, folder: Path, name: str, module: Module, symbols: Sequence[Symbol]) -> _Story:
    """Commit the file without some of its functions, then each of them, with edits in between."""
    rng, lines = bench.rng, module.text.split("\n")
    late = rng.sample(symbols, max(3, len(symbols) * 3 // 4))
    missing = set(late)
    story = _Story(name, module, [], [], {})
    _git(bench, folder, "init", "-q", "-b", "main")

    # what each commit does: functions come in, some are edited later
    changed: dict[int, str] = {}
    plan: list[tuple[str, Symbol | None]] = [("start", None)]
    for symbol in late:
        plan.append(("add", symbol))
        if rng.random() < 0.5:
            plan.append(("edit", rng.choice([s for s in symbols if s not in missing or s is symbol])))

    # write the file as it stands after each commit
    for day, (action, subject) in enumerate(plan):
        if action == "add" and subject:
            missing.discard(subject)
        if action == "edit" and subject and subject not in missing:
            _edit(bench, lines, subject, changed, story.edits.setdefault(subject.name, set()))
        removed = {i for s in missing for i in range(s.top, s.end + 1)}
        (folder / name).write_text("\n".join(changed.get(i, line) for i, line in enumerate(lines) if i not in removed))
        message = _message(bench, action, subject, name)
        _git(bench, folder, "add", "-A")
        _git(
            bench, folder, "commit", "-q", "--allow-empty", "-m", message, author=rng.choice(_AUTHORS), day=day * 3 + 1
        )
        story.changes.append((action, subject))

    story.hashes = _git(bench, folder, "log", "--reverse", "--format=%H").split()
    return story


def _edit(bench: Workbench, lines: Sequence[str], subject: Symbol, changed: dict[int, str], texts: set[str]) -> None:
    rows = [
        i for i in range(subject.body, subject.end + 1) if lines[i].strip() and not lines[i].strip().startswith("#")
    ]
    for row in bench.rng.sample(rows, min(len(rows), bench.rng.randrange(1, 4))):
        current = changed.get(row, lines[row])
        numbers = re.findall(r"\b\d+\b", current)
        changed[row] = (
            current.replace(numbers[0], str(int(numbers[0][:6]) + 1), 1) if numbers else f"{current}  # checked"
        )
        texts |= {current.strip(), changed[row].strip()}


def _message(bench: Workbench, action: str, subject: Symbol | None, name: str) -> str:
    rng = bench.rng
    if subject is None:
        return rng.choice((f"Import {name}", f"Start of {name}", "Initial commit"))
    if action == "add":
        summary = reword(rng, subject.doc, 0.3) if is_descriptive(subject.doc) and rng.random() < 0.6 else ""
        return (
            summary[:70].capitalize()
            if summary
            else rng.choice((f"Add {subject.name}", f"{subject.name}: new", f"Support for {spell_out(subject.name)}"))
        )
    return rng.choice((
        f"Fix {subject.name}", f"{subject.name}: correct a limit", f"Review remarks on {spell_out(subject.name)}",
        f"Polish {subject.name}", f"Tighten the checks in {subject.name}",
    ))  # fmt: skip


def _refer_to(bench: Workbench, symbol: Symbol) -> tuple[str, bool]:
    draw = bench.rng.random()
    if is_descriptive(symbol.doc) and draw < 0.4:
        return f'the code for "{reword(bench.rng, symbol.doc)}"', False
    if draw < 0.6 and " " in spell_out(symbol.name):
        return f'the "{spell_out(symbol.name)}" routine', False
    return f"`{symbol.name}`", True


def _log(bench: Workbench, folder: Path, story: _Story, package: str) -> Output:
    rng = bench.rng
    form = rng.choice(("--oneline", "--stat", "", "--format='%h %ad %an %s' --date=short", "--shortstat"))
    arguments = [part.strip("'") for part in re.findall(r"\S*'[^']*'|\S+", form)]
    arguments = [part.replace("='", "=") for part in arguments]
    text = _git(bench, folder, "log", *arguments)

    goals = GoalCollector(Lines(text), max_lines=14)
    blocks = _commits(goals.lines, story)
    for i, (action, symbol) in enumerate(story.changes):
        rows = blocks.get(i, [])
        if symbol is None:
            continue
        edits = [
            k
            for k, (earlier_action, earlier_symbol) in enumerate(story.changes)
            if earlier_symbol is symbol and earlier_action == "edit"
        ]

        subject, plain = _refer_to(bench, symbol)
        if action == "add":
            goals.add(phrase(rng, _CAME, subject=subject), rows, symbol.name, plain=plain)
        elif i == edits[-1]:
            goals.add(phrase(rng, _FIXED, subject=subject), rows, symbol.name, plain=plain)

    goals.add(phrase(rng, _EARLIEST), blocks.get(0, []), plain=False)
    goals.add(phrase(rng, _LATEST), blocks.get(len(story.changes) - 1, []), plain=False)
    return Output("git_log", "bash", {"command": f"git log {form}".strip()}, text, package, goals.collected)


def _commits(lines: Lines, story: _Story) -> dict[int, list[int]]:
    """The lines of each commit in a log, newest first."""
    starts = [(i, k) for i, line in enumerate(lines.lines) for k, h in enumerate(story.hashes)
              if re.match(rf"(?:commit )?{h[:7]}", line)]  # fmt: skip
    ends = [i for i, _ in starts[1:]] + [len(lines)]
    return {k: list(range(i, end)) for (i, k), end in zip(starts, ends, strict=True)}


def _change(bench: Workbench, folder: Path, story: _Story, package: str) -> Output:
    """Show a difference over up to ten commits, with `git diff` or `git log -p`."""
    rng = bench.rng
    last = rng.randrange(1, len(story.hashes))
    first = rng.randrange(max(0, last - 9), last)
    command = f"diff {story.hashes[first][:8]} {story.hashes[last][:8]}"
    if rng.random() < 0.3:
        command = f"log -p {story.hashes[first][:8]}..{story.hashes[last][:8]}"

    text = _git(bench, folder, *command.split())
    goals = GoalCollector(Lines(text), max_lines=40)
    touched: dict[str, tuple[Symbol, set[str]]] = {}
    for action, symbol in story.changes[first + 1 : last + 1]:
        if symbol:
            touched.setdefault(symbol.name, (symbol, set()))[1].add(action)

    for symbol, actions in touched.values():
        rows = _added(goals.lines, story, symbol, "add" in actions)
        subject, plain = _refer_to(bench, symbol)
        goals.add(phrase(rng, _DIFF, subject=subject), rows, symbol.name, plain=plain)
        if "add" in actions:
            goals.add(phrase(rng, _CAME[1:3], subject=subject), rows, symbol.name, plain=plain)

    removed = [i for i, line in enumerate(goals.lines.lines) if re.match(r"-(?!--)", line)]
    goals.add(phrase(rng, _REMOVED), removed, plain=False)
    return Output("git_diff", "bash", {"command": f"git {command}"}, text, package, goals.collected)


def _added(lines: Lines, story: _Story, symbol: Symbol, is_new: bool) -> list[int]:
    """The changed lines of a symbol; of a new one all of it, or what opens it if it is long."""
    head = list(lines.matching(rf"^[+]\s*(?:async )?(?:def|class) {symbol.name}\b"))
    if is_new and head:
        span = [i for i in range(head[0], head[0] + symbol.end - symbol.line + 1)
                if i < len(lines) and lines.lines[i].startswith("+")]  # fmt: skip
        return span if len(span) < 26 else span[: symbol.body - symbol.line + 4]
    texts = story.edits.get(symbol.name, set())
    file_lines = [line.strip() for line in story.module.text.split("\n")]
    if any(file_lines.count(text) > 1 for text in texts):
        return []  # the same line stands elsewhere too
    return [i for i, line in enumerate(lines.lines) if line[:1] in {"+", "-"} and line[1:].strip() in texts]


def _blame(bench: Workbench, folder: Path, story: _Story, package: str) -> Output:
    rng = bench.rng
    flags = rng.choice(("", "-s", "--date=short"))
    text = _git(bench, folder, "blame", *flags.split(), story.name)
    goals = GoalCollector(Lines(text), max_lines=30)

    for symbol in {s.name: s for _, s in story.changes if s}.values():
        start = [
            i
            for i, line in enumerate(goals.lines.lines)
            if re.search(rf"\) ?(?:async )?(?:def|class) {symbol.name}\b", line)
        ]
        if len(start) == 1:
            end = start[0] + symbol.end - symbol.line
            edited = any(s is symbol and action == "edit" for action, s in story.changes)
            rows = range(start[0], end + 1) if edited or symbol.end - symbol.line < 8 else range(start[0], start[0] + 3)
            subject, plain = _refer_to(bench, symbol)
            goals.add(phrase(rng, _BLAME, subject=subject), rows, symbol.name, plain=plain)
    call: Mapping[str, str] = {"command": f"git blame {flags} {story.name}".replace("  ", " ")}
    return Output("git_blame", "bash", call, text, package, goals.collected)
