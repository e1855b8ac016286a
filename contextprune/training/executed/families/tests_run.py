"""Runs of pytest and unittest with failing tests; goals ask after one of them, by name, by subject, by error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from contextprune.training.executed.facts import FACTS
from contextprune.training.executed.output import Goal, GoalCollector, Lines, Output
from contextprune.training.executed.phrases import phrase, words_of
from contextprune.training.executed.suites import Case, draw_cases, unittest_file, write_project
from contextprune.training.executed.workbench import PYTHON, Workbench

_WHY = (
    "Why does {name} fail?",
    "What went wrong in `{name}`?",
    "Fix {name}.",
    "{name} is red, what is the reason?",
    "Explain the failure of {name} and where it comes from.",
    "I'll repair {name} first.",
)
_DESCRIBED = (
    "The test about {description} is broken. What happened?",
    "Something is off with {description}; what did the run show?",
    "What does the suite say on {description}?",
    "We changed how we handle {description}. Did that break a test, and how?",
    "A colleague suspects {description}. What is the failure?",
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


def runs(bench: Workbench) -> Iterator[Output]:
    """Endless runs of pytest, each of a fresh project."""
    rng = bench.rng
    subjects = sorted({fact.package for fact in FACTS})
    while True:
        package = rng.choice(subjects)
        count = rng.choice((6, 10, 16, 30, 60, 100))
        cases = draw_cases(rng, count, rng.choice((1, 2, 3, 5, 8, 12)), package)
        folder = bench.fresh_folder()
        write_project(folder, cases, rng.random() < 0.4)

        options = rng.choice(
            ("", "-v", "-v", "-x -v", "--tb=short", "-v --tb=short", "-q", "-rA", "-rs -v", "-l", "-vv")
        )
        command = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *options.split()]
        home = bench.home()

        text = bench.run(command, folder, home, {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
        text = re.sub(r"in \d+\.\d\ds", f"in {rng.randrange(10, 990) / 100:.2f}s", text)

        goals = _collect_goals(bench, text, cases)
        shown = rng.choice(
            (f"pytest {options}", f"python -m pytest {options}", f"cd {home} && pytest {options}")
        ).strip()
        yield Output("pytest", "bash", {"command": shown}, text, package, goals, "pipe", failed="FAILED" in text)


def _collect_goals(bench: Workbench, text: str, cases: Sequence[Case]) -> list[Goal]:
    lines = Lines(text)
    goals = GoalCollector(lines, max_lines=26)
    blocks = _blocks(lines)
    summary = {i: m[1] for i, line in enumerate(lines.lines) if (m := re.match(r"(?:FAILED|ERROR) \S+?::(\w+)", line))}
    bad = {name: [*rows, *(i for i, failed in summary.items() if failed == name)] for name, rows in blocks.items()}
    _broken(bench, goals, cases, bad)

    # goals for the run as a whole
    rng = bench.rng
    if summary:
        goals.add(phrase(rng, _ALL), summary, plain=False)
        goals.add(phrase(rng, _ALL), summary, plain=False)
    goals.add(phrase(rng, _COUNT), [len(lines) - 1], plain=False)
    skipped = list(lines.matching(r"^SKIPPED \[| SKIPPED "))
    if skipped:
        goals.add(phrase(rng, _SKIPPED), skipped, plain=False)

    # goals for tests that passed
    for case in cases:
        rows = list(lines.matching(rf"^\S+::{case.name} (PASSED|FAILED|ERROR|XFAIL|SKIPPED)|^PASSED \S+::{case.name}$"))
        if rows and case.name not in bad:
            goals.add(phrase(rng, _PASSED, name=case.name), rows, case.name)
            words = " ".join(words_of(case.name)[1:])
            goals.add(phrase(rng, ("Did the {words} test go through?", "{words}: ok?"), words=words), rows, case.name)
    return goals.collected


def _blocks(lines: Lines) -> dict[str, list[int]]:
    """Collect for each broken test its heading, its own code, the errors, and where they came up."""
    blocks: dict[str, list[int]] = {}
    name = ""
    for i, line in enumerate(lines.lines):
        if match := re.match(r"_{3,} (?:ERROR at setup of )?(\w+) _{3,}$", line):
            name = match[1]
            blocks[name] = [i]
        elif re.match(r"={5,} ", line):
            name = ""
        elif name and re.match(r"(>|E  ) |E +\S|\S+\.py:\d+: |\s+(def|async def) (test_|\w+_input)|def ", line):
            blocks[name].append(i)
    return {name: _trimmed(lines, rows) for name, rows in blocks.items()}


def _trimmed(lines: Lines, rows: list[int]) -> list[int]:
    """Keep of many lines the first six, which are the test's own, and the last fourteen, where the error is."""
    body = [i for i in rows if not lines.lines[i].startswith("def ") or lines.lines[i].startswith(("def test", "@py"))]
    fixture = [i for i in rows if re.match(r"def \w+_input", lines.lines[i])]
    body = sorted({*body, *fixture})
    return body if len(body) <= 22 else body[:6] + body[-14:]


def _broken(bench: Workbench, goals: GoalCollector, cases: Sequence[Case], bad: dict[str, list[int]]) -> None:
    rng, lines = bench.rng, goals.lines.lines

    descriptions = Counter(case.description for case in cases)
    errors = {
        name: next(
            (m[1] for i in rows if (m := re.match(r"E\s+([\w.]*(?:Error|Exception|Found|Invalid\w*))\b", lines[i]))), ""
        )
        for name, rows in bad.items()
    }
    for case in cases:
        rows = bad.get(case.name)
        if not rows:
            continue
        goals.add(phrase(rng, _WHY, name=case.name), rows, case.name)
        goals.add(phrase(rng, _WHY, name=f"{case.file}::{case.name}"), rows, case.name)
        goals.add(phrase(rng, _HINTED, words=" ".join(words_of(case.name)[1:])), rows, case.name)
        if descriptions[case.description] == 1:
            for _ in range(2):
                goals.add(phrase(rng, _DESCRIBED, description=case.description), rows, case.name, plain=False)
        error = errors[case.name].rpartition(".")[2]
        if error and list(errors.values()).count(errors[case.name]) == 1:
            goals.add(phrase(rng, _ERROR, error=error), rows, error)

    crashed = [i for name in bad if errors[name] not in {"", "AssertionError"} for i in bad[name][-1:]]
    goals.add(phrase(rng, _NOT_ASSERT), crashed, plain=False)


def unittests(bench: Workbench) -> Iterator[Output]:
    """Endless runs of unittest, each of a fresh project."""
    rng = bench.rng
    subjects = sorted({fact.package for fact in FACTS})
    while True:
        package = rng.choice(subjects)
        cases = draw_cases(rng, rng.choice((5, 8, 14, 25, 50, 90)), rng.choice((1, 2, 4, 7, 12)), package)
        folder, home = bench.fresh_folder(), bench.home()
        _write_unittests(folder, cases)

        flags = rng.choice(("", "-v", "-v", "-v", "-f -v", "-b"))
        text = bench.run([PYTHON, "-m", "unittest", "discover", *flags.split()], folder, home)
        text = re.sub(r"in \d+\.\d{3}s", f"in {rng.randrange(10, 4000) / 1000:.3f}s", text)

        lines = Lines(text)
        goals = GoalCollector(lines, max_lines=26)
        bad = _sections(lines)
        _unittest_goals(bench, goals, cases, bad)
        call = {"command": f"python -m unittest discover {flags}".strip()}
        yield Output("unittest", "bash", call, text, package, goals.collected, "pipe", failed="FAILED" in text)


def _write_unittests(folder: Path, cases: Sequence[Case]) -> None:
    for file in sorted({case.file for case in cases}):
        name = "".join(word.title() for word in file[5:-3].split("_")) + "Tests"
        (folder / file).write_text(unittest_file([c for c in cases if c.file == file], name))


def _sections(lines: Lines) -> dict[str, list[int]]:
    blocks: dict[str, list[int]] = {}
    name, in_test = "", False
    for i, line in enumerate(lines.lines):
        if match := re.match(r"(?:FAIL|ERROR): (\w+) \(", line):
            name = match[1]
            blocks[name] = [i]
        elif re.match(r"={20}|-{20}", line):
            name = name if not line.startswith("=") and name and len(blocks[name]) == 1 else ""
        elif name and (match := re.match(r'  File "(.*)", line', line)):
            in_test = Path(match[1]).name.startswith("test_")
            blocks[name] += [i] if in_test else []
        elif name and (not line.startswith(" ") or in_test) and line.strip() and not line.startswith("Traceback"):
            blocks[name].append(i)
    return blocks


def _unittest_goals(bench: Workbench, goals: GoalCollector, cases: Sequence[Case], bad: dict[str, list[int]]) -> None:
    rng = bench.rng
    _broken(bench, goals, cases, bad)
    heads = [rows[0] for rows in bad.values()]
    if heads:
        goals.add(phrase(rng, _ALL), heads, plain=False)

    last = len(goals.lines) - 1
    goals.add(phrase(rng, _COUNT), [last, *goals.lines.matching(r"^Ran \d+ tests? in")], plain=False)
    skips = list(goals.lines.matching(r"\.\.\. skipped"))
    if skips:
        goals.add(phrase(rng, _SKIPPED), skips, plain=False)

    for case in cases:
        rows = list(goals.lines.matching(rf"^{case.name} \(.*\.\.\. "))
        if rows and case.name not in bad:
            goals.add(phrase(rng, _PASSED, name=case.name), rows, case.name)
