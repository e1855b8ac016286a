"""Runs of pytest and unittest with failing tests; goals ask after one of them, by name, by subject, by error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from contextprune.training.executed.facts import FACTS
from contextprune.training.executed.output import Ask, Asks, Lines, Output
from contextprune.training.executed.phrases import say, words_of
from contextprune.training.executed.suites import Case, cases, unittest_file, write
from contextprune.training.executed.workbench import PYTHON, Bench

_WHY = (
    "Why does {name} fail?",
    "What went wrong in `{name}`?",
    "Fix {name}.",
    "{name} is red, what is the reason?",
    "Explain the failure of {name} and where it comes from.",
    "I'll repair {name} first.",
)
_TOLD = (
    "The test about {says} is broken. What happened?",
    "Something is off with {says}; what did the run show?",
    "What does the suite say on {says}?",
    "We changed how we handle {says}. Did that break a test, and how?",
    "A colleague suspects {says}. What is the failure?",
)
_HINTED = (
    "What's up with the {words} test?",
    "the {words} case breaks - cause?",
    "Tell me the cause of the failure in the test for {words}.",
)
_ERROR = (
    "Which test dies with {error}, and why?",
    "One failure is a {error}. Where?",
    "Find the {error}.",
)
_NOT_ASSERT = (
    "Which tests crash instead of failing an assertion?",
    "Ignore false expectations: where did an exception come out of a library?",
)
_ALL = (
    "Which tests fail?",
    "List what is broken.",
    "Give me the names of the red tests.",
    "What should I rerun after my fix?",
    "Did the suite pass? If not, which ones are to blame?",
)
_COUNT = (
    "How many tests ran and how many were fine?",
    "Is the build green?",
    "What's the final tally?",
    "One number: failures?",
)
_PASSED = (
    "Did {name} pass?",
    "Is {name} run at all?",
    "Status of {name}?",
)
_SKIPPED = (
    "What was not run, and why?",
    "Which test was left out?",
    "Any skips I should know of?",
)


def runs(bench: Bench) -> Iterator[Output]:
    """One run of pytest after another, each of a fresh project."""
    rng = bench.rng
    subjects = sorted({fact.package for fact in FACTS})
    while True:
        package = rng.choice(subjects)
        count = rng.choice((6, 10, 16, 30, 60, 100))
        found = cases(rng, count, rng.choice((1, 2, 3, 5, 8, 12)), package)
        place = bench.place()
        write(place, found, rng.random() < 0.4)
        options = rng.choice(
            ("", "-v", "-v", "-x -v", "--tb=short", "-v --tb=short", "-q", "-rA", "-rs -v", "-l", "-vv")
        )
        command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *options.split()]
        home = bench.home()
        text = bench.run(command, place, home, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        text = re.sub(r"in \d+\.\d\ds", f"in {rng.randrange(10, 990) / 100:.2f}s", text)
        asks = _asks(bench, text, found)
        shown = rng.choice(
            (f"pytest {options}", f"python -m pytest {options}", f"cd {home} && pytest {options}")
        ).strip()
        yield Output("pytest", "bash", {"command": shown}, text, package, asks, "pipe", failed="FAILED" in text)


def _asks(bench: Bench, text: str, found: Sequence[Case]) -> list[Ask]:
    lines = Lines(text)
    asks = Asks(lines, most=26)
    blocks = _blocks(lines)
    summary = {i: m[1] for i, line in enumerate(lines.lines) if (m := re.match(r"(?:FAILED|ERROR) \S+?::(\w+)", line))}
    bad = {name: [*rows, *(i for i, other in summary.items() if other == name)] for name, rows in blocks.items()}
    _broken(bench, asks, found, bad)
    rng = bench.rng
    if summary:
        asks.add(say(rng, _ALL), summary, plain=False)
        asks.add(say(rng, _ALL), summary, plain=False)
    asks.add(say(rng, _COUNT), [len(lines) - 1], plain=False)
    skipped = list(lines.having(r"^SKIPPED \[| SKIPPED "))
    if skipped:
        asks.add(say(rng, _SKIPPED), skipped, plain=False)
    for case in found:
        rows = list(lines.having(rf"^\S+::{case.name} (PASSED|FAILED|ERROR|XFAIL|SKIPPED)|^PASSED \S+::{case.name}$"))
        if rows and case.name not in bad:
            asks.add(say(rng, _PASSED, name=case.name), rows, case.name)
            words = " ".join(words_of(case.name)[1:])
            asks.add(say(rng, ("Did the {words} test go through?", "{words}: ok?"), words=words), rows, case.name)
    return asks.found


def _blocks(lines: Lines) -> dict[str, list[int]]:
    """For each broken test its heading, its own code, the errors, and where they came up."""
    blocks: dict[str, list[int]] = {}
    name = ""
    for i, line in enumerate(lines.lines):
        if found := re.match(r"_{3,} (?:ERROR at setup of )?(\w+) _{3,}$", line):
            name = found[1]
            blocks[name] = [i]
        elif re.match(r"={5,} ", line):
            name = ""
        elif name and re.match(r"(>|E  ) |E +\S|\S+\.py:\d+: |\s+(def|async def) (test_|\w+_input)|def ", line):
            blocks[name].append(i)
    return {name: _trimmed(lines, rows) for name, rows in blocks.items()}


def _trimmed(lines: Lines, rows: list[int]) -> list[int]:
    """Of many lines the first ones, which are the test's own, and the last, where the error is."""
    body = [i for i in rows if not lines.lines[i].startswith("def ") or lines.lines[i].startswith(("def test", "@py"))]
    fixture = [i for i in rows if re.match(r"def \w+_input", lines.lines[i])]
    body = sorted({*body, *fixture})
    return body if len(body) <= 22 else body[:6] + body[-14:]


def _broken(bench: Bench, asks: Asks, found: Sequence[Case], bad: dict[str, list[int]]) -> None:
    rng, lines = bench.rng, asks.lines.lines
    said = Counter(case.says for case in found)
    errors = {
        name: next(
            (m[1] for i in rows if (m := re.match(r"E\s+([\w.]*(?:Error|Exception|Found|Invalid\w*))\b", lines[i]))), ""
        )
        for name, rows in bad.items()
    }
    for case in found:
        rows = bad.get(case.name)
        if not rows:
            continue
        asks.add(say(rng, _WHY, name=case.name), rows, case.name)
        asks.add(say(rng, _WHY, name=f"{case.file}::{case.name}"), rows, case.name)
        asks.add(say(rng, _HINTED, words=" ".join(words_of(case.name)[1:])), rows, case.name)
        if said[case.says] == 1:
            for _ in range(2):
                asks.add(say(rng, _TOLD, says=case.says), rows, case.name, plain=False)
        error = errors[case.name].rpartition(".")[2]
        if error and list(errors.values()).count(errors[case.name]) == 1:
            asks.add(say(rng, _ERROR, error=error), rows, error)
    crashed = [i for name in bad if errors[name] not in {"", "AssertionError"} for i in bad[name][-1:]]
    asks.add(say(rng, _NOT_ASSERT), crashed, plain=False)


def unittests(bench: Bench) -> Iterator[Output]:
    """One run of unittest after another."""
    rng = bench.rng
    subjects = sorted({fact.package for fact in FACTS})
    while True:
        package = rng.choice(subjects)
        found = cases(rng, rng.choice((5, 8, 14, 25, 50, 90)), rng.choice((1, 2, 4, 7, 12)), package)
        place, home = bench.place(), bench.home()
        _write_unittests(place, found)
        flags = rng.choice(("", "-v", "-v", "-v", "-f -v", "-b"))
        text = bench.run([PYTHON, "-m", "unittest", "discover", *flags.split()], place, home)
        text = re.sub(r"in \d+\.\d{3}s", f"in {rng.randrange(10, 4000) / 1000:.3f}s", text)
        lines = Lines(text)
        asks = Asks(lines, most=26)
        bad = _sections(lines)
        _unit(bench, asks, found, bad)
        call = {"command": f"python -m unittest discover {flags}".strip()}
        yield Output("unittest", "bash", call, text, package, asks.found, "pipe", failed="FAILED" in text)


def _write_unittests(place: Path, found: Sequence[Case]) -> None:
    for file in sorted({case.file for case in found}):
        name = "".join(word.title() for word in file[5:-3].split("_")) + "Tests"
        (place / file).write_text(unittest_file([c for c in found if c.file == file], name))


def _sections(lines: Lines) -> dict[str, list[int]]:
    blocks: dict[str, list[int]] = {}
    name, own = "", False
    for i, line in enumerate(lines.lines):
        if found := re.match(r"(?:FAIL|ERROR): (\w+) \(", line):
            name = found[1]
            blocks[name] = [i]
        elif re.match(r"={20}|-{20}", line):
            name = name if not line.startswith("=") and name and len(blocks[name]) == 1 else ""
        elif name and (found := re.match(r'  File "(.*)", line', line)):
            own = Path(found[1]).name.startswith("test_")
            blocks[name] += [i] if own else []
        elif name and (not line.startswith(" ") or own) and line.strip() and not line.startswith("Traceback"):
            blocks[name].append(i)
    return blocks


def _unit(bench: Bench, asks: Asks, found: Sequence[Case], bad: dict[str, list[int]]) -> None:
    rng = bench.rng
    _broken(bench, asks, found, bad)
    heads = [rows[0] for rows in bad.values()]
    if heads:
        asks.add(say(rng, _ALL), heads, plain=False)
    last = len(asks.lines) - 1
    asks.add(say(rng, _COUNT), [last, *asks.lines.having(r"^Ran \d+ tests? in")], plain=False)
    skips = list(asks.lines.having(r"\.\.\. skipped"))
    if skips:
        asks.add(say(rng, _SKIPPED), skips, plain=False)
    for case in found:
        rows = list(asks.lines.having(rf"^{case.name} \(.*\.\.\. "))
        if rows and case.name not in bad:
            asks.add(say(rng, _PASSED, name=case.name), rows, case.name)
