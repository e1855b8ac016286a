"""Git over a file that grows by real functions: `log`, `show`, `diff`, `blame`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contextprune.training.executed.material import Module, Symbol
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import loosely, say, spoken, tellable
from contextprune.training.executed.workbench import Bench

_CAME = (
    "Which commit brought in {what}?",
    "When was {what} added?",
    "Find the change that introduced {what}.",
    "Who wrote {what}, and in which commit?",
    "I want to revert the addition of {what}. Which hash?",
)
_FIXED = (
    "Which commit touched {what} last?",
    "{what} worked before; which later commit changed it?",
    "Find the fix to {what}.",
)
_EARLIEST = (
    "Which is the earliest commit shown?",
    "What did the history start with?",
    "Where does this log begin in time?",
)
_LATEST = ("What was done most recently?", "Which commit is newest?", "What is the latest change?")
_DIFF = (
    "What changed in {what}?",
    "Was {what} touched, and how?",
    "Review the edit of {what}.",
    "Show only the part of the change that concerns {what}.",
)
_GONE = ("What was removed?", "Which code was dropped by this change?", "Is anything lost here that callers may need?")
_BLAME = (
    "Who last changed {what}?",
    "In which commit was {what} written?",
    "Whom do I ask about {what}?",
    "Since when do we have {what}?",
)
_AUTHORS = ("Dev One", "Dev Two", "Dev Three", "Build Bot")


@dataclass(slots=True)
class _Story:
    """A file's life: commit i adds or edits `about[i]`."""

    name: str
    found: Module
    about: list[tuple[str, Symbol | None]]
    hashes: list[str]
    edits: dict[str, set[str]]  # for each symbol the lines that were edited, before and after


def histories(bench: Bench) -> Iterator[Output]:
    """Several outputs of each fresh repository."""
    while True:
        package, name, found = bench.source(least=8, most=900)
        symbols = [s for s in found.symbols if not s.owner and s.end - s.top < 60]
        if len(symbols) < 4 or len({s.name for s in symbols}) < len(symbols):
            continue
        place = bench.place()
        story = _tell(bench, place, Path(name).name, found, symbols)
        for ask_for in (_log, _log, _change, _change, _change, _blame):
            yield ask_for(bench, place, story, package.name)


def _git(bench: Bench, place: Path, *arguments: str, author: str = "Dev One", day: int = 0) -> str:
    date = f"2025-{1 + day // 28 % 12:02d}-{1 + day % 28:02d}T{8 + day % 11:02d}:{day * 7 % 60:02d}:00+00:00"
    mail = f"{author.lower().replace(' ', '.')}@example.com"
    env = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", author), ("EMAIL", mail), ("DATE", date))}  # fmt: skip
    return bench.run(["git", *arguments], place, "/repo", env)


def _tell(bench: Bench, place: Path, name: str, found: Module, symbols: Sequence[Symbol]) -> _Story:
    """Commits: the file without its functions, then each of them, with edits in between."""
    rng, lines = bench.rng, found.text.split("\n")
    late = rng.sample(symbols, max(3, len(symbols) * 3 // 4))
    missing = set(late)
    story = _Story(name, found, [], [], {})
    _git(bench, place, "init", "-q", "-b", "main")
    changed: dict[int, str] = {}
    plan: list[tuple[str, Symbol | None]] = [("start", None)]
    for symbol in late:
        plan.append(("add", symbol))
        if rng.random() < 0.5:
            plan.append(("edit", rng.choice([s for s in symbols if s not in missing or s is symbol])))
    for day, (what, subject) in enumerate(plan):
        if what == "add" and subject:
            missing.discard(subject)
        if what == "edit" and subject and subject not in missing:
            _edit(bench, lines, subject, changed, story.edits.setdefault(subject.name, set()))
        gone = {i for s in missing for i in range(s.top, s.end + 1)}
        (place / name).write_text("\n".join(changed.get(i, line) for i, line in enumerate(lines) if i not in gone))
        message = _message(bench, what, subject, name)
        _git(bench, place, "add", "-A")
        _git(bench, place, "commit", "-q", "--allow-empty", "-m", message, author=rng.choice(_AUTHORS), day=day * 3 + 1)
        story.about.append((what, subject))
    story.hashes = _git(bench, place, "log", "--reverse", "--format=%H").split()
    return story


def _edit(bench: Bench, lines: Sequence[str], subject: Symbol, changed: dict[int, str], texts: set[str]) -> None:
    rows = [
        i for i in range(subject.body, subject.end + 1) if lines[i].strip() and not lines[i].strip().startswith("#")
    ]
    for row in bench.rng.sample(rows, min(len(rows), bench.rng.randrange(1, 4))):
        now = changed.get(row, lines[row])
        numbers = re.findall(r"\b\d+\b", now)
        changed[row] = now.replace(numbers[0], str(int(numbers[0][:6]) + 1), 1) if numbers else f"{now}  # checked"
        texts |= {now.strip(), changed[row].strip()}


def _message(bench: Bench, what: str, subject: Symbol | None, name: str) -> str:
    rng = bench.rng
    if subject is None:
        return rng.choice((f"Import {name}", f"Start of {name}", "Initial commit"))
    if what == "add":
        told = loosely(rng, subject.doc, 0.3) if tellable(subject.doc) and rng.random() < 0.6 else ""
        return (
            told[:70].capitalize()
            if told
            else rng.choice((f"Add {subject.name}", f"{subject.name}: new", f"Support for {spoken(subject.name)}"))
        )
    return rng.choice((
        f"Fix {subject.name}", f"{subject.name}: correct a limit", f"Review remarks on {spoken(subject.name)}",
        f"Polish {subject.name}", f"Tighten the checks in {subject.name}",
    ))  # fmt: skip


def _what(bench: Bench, symbol: Symbol) -> tuple[str, bool]:
    draw = bench.rng.random()
    if tellable(symbol.doc) and draw < 0.4:
        return f'the code for "{loosely(bench.rng, symbol.doc)}"', False
    if draw < 0.6 and " " in spoken(symbol.name):
        return f'the "{spoken(symbol.name)}" routine', False
    return f"`{symbol.name}`", True


def _log(bench: Bench, place: Path, story: _Story, package: str) -> Output:
    rng = bench.rng
    form = rng.choice(("--oneline", "--stat", "", "--format='%h %ad %an %s' --date=short", "--shortstat"))
    arguments = [part.strip("'") for part in re.findall(r"\S*'[^']*'|\S+", form)]
    arguments = [part.replace("='", "=") for part in arguments]
    text = _git(bench, place, "log", *arguments)
    asks = Asks(Lines(text), most=14)
    blocks = _commits(asks.lines, story)
    for i, (what, symbol) in enumerate(story.about):
        rows = blocks.get(i, [])
        if symbol is None:
            continue
        edits = [k for k, (w, s) in enumerate(story.about) if s is symbol and w == "edit"]
        named, plain = _what(bench, symbol)
        if what == "add":
            asks.add(say(rng, _CAME, what=named), rows, symbol.name, plain=plain)
        elif i == edits[-1]:
            asks.add(say(rng, _FIXED, what=named), rows, symbol.name, plain=plain)
    asks.add(say(rng, _EARLIEST), blocks.get(0, []), plain=False)
    asks.add(say(rng, _LATEST), blocks.get(len(story.about) - 1, []), plain=False)
    return Output("git_log", "bash", {"command": f"git log {form}".strip()}, text, package, asks.found)


def _commits(lines: Lines, story: _Story) -> dict[int, list[int]]:
    """The lines of each commit in a log, newest first."""
    starts = [(i, k) for i, line in enumerate(lines.lines) for k, h in enumerate(story.hashes)
              if re.match(rf"(?:commit )?{h[:7]}", line)]  # fmt: skip
    ends = [i for i, _ in starts[1:]] + [len(lines)]
    return {k: list(range(i, end)) for (i, k), end in zip(starts, ends, strict=True)}


def _change(bench: Bench, place: Path, story: _Story, package: str) -> Output:
    """A difference over several commits; or one commit."""
    rng = bench.rng
    last = rng.randrange(1, len(story.hashes))
    first = rng.randrange(max(0, last - 9), last)
    way = f"diff {story.hashes[first][:8]} {story.hashes[last][:8]}"
    if rng.random() < 0.3:
        way = f"log -p {story.hashes[first][:8]}..{story.hashes[last][:8]}"
    text = _git(bench, place, *way.split())
    asks = Asks(Lines(text), most=40)
    touched: dict[str, tuple[Symbol, set[str]]] = {}
    for what, symbol in story.about[first + 1 : last + 1]:
        if symbol:
            touched.setdefault(symbol.name, (symbol, set()))[1].add(what)
    for symbol, how in touched.values():
        rows = _added(asks.lines, story, symbol, "add" in how)
        named, plain = _what(bench, symbol)
        asks.add(say(rng, _DIFF, what=named), rows, symbol.name, plain=plain)
        if "add" in how:
            asks.add(say(rng, _CAME[1:3], what=named), rows, symbol.name, plain=plain)
    removed = [i for i, line in enumerate(asks.lines.lines) if re.match(r"-(?!--)", line)]
    asks.add(say(rng, _GONE), removed, plain=False)
    return Output("git_diff", "bash", {"command": f"git {way}"}, text, package, asks.found)


def _added(lines: Lines, story: _Story, symbol: Symbol, new: bool) -> list[int]:
    """The changed lines of a symbol; of a new one all of it, or what opens it if it is long."""
    head = list(lines.having(rf"^[+]\s*(?:async )?(?:def|class) {symbol.name}\b"))
    if new and head:
        span = [i for i in range(head[0], head[0] + symbol.end - symbol.line + 1)
                if i < len(lines) and lines.lines[i].startswith("+")]  # fmt: skip
        return span if len(span) < 26 else span[: symbol.body - symbol.line + 4]
    texts = story.edits.get(symbol.name, set())
    known = [line.strip() for line in story.found.text.split("\n")]
    if any(known.count(text) > 1 for text in texts):
        return []  # the same line stands elsewhere too
    return [i for i, line in enumerate(lines.lines) if line[:1] in {"+", "-"} and line[1:].strip() in texts]


def _blame(bench: Bench, place: Path, story: _Story, package: str) -> Output:
    rng = bench.rng
    flags = rng.choice(("", "-s", "--date=short"))
    text = _git(bench, place, "blame", *flags.split(), story.name)
    asks = Asks(Lines(text), most=30)
    for symbol in {s.name: s for _, s in story.about if s}.values():
        start = [
            i
            for i, line in enumerate(asks.lines.lines)
            if re.search(rf"\) ?(?:async )?(?:def|class) {symbol.name}\b", line)
        ]
        if len(start) == 1:
            end = start[0] + symbol.end - symbol.line
            edited = any(s is symbol and what == "edit" for what, s in story.about)
            rows = range(start[0], end + 1) if edited or symbol.end - symbol.line < 8 else range(start[0], start[0] + 3)
            named, plain = _what(bench, symbol)
            asks.add(say(rng, _BLAME, what=named), rows, symbol.name, plain=plain)
    call: Mapping[str, str] = {"command": f"git blame {flags} {story.name}".replace("  ", " ")}
    return Output("git_blame", "bash", call, text, package, asks.found)
