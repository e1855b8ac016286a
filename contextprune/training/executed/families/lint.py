"""Linters over spoilt copies of real files: `ruff` and `mypy`; goals name a rule, a place, or what the rule is for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from contextprune.training.executed.material import Module
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import phrase, reword, spell_out
from contextprune.training.executed.workbench import PYTHON, Workbench, output_of

_RUFF = str(Path(PYTHON).with_name("ruff"))
_RULE = (
    "Where is {code} reported?",
    "List the {code} findings.",
    "I fix {code} now; which lines?",
    "Does {code} occur?",
)
_DESCRIBED = (
    "Does the linter complain about this: {fault}?",
    "Which findings are of this sort: {fault}?",
    "I only fix one class of problems today: {fault}.",
    "Find every place with the following fault: {fault}.",
    "Which lines must change because of {fault}?",
)
_WITHIN = (
    "What is wrong inside {subject}?",
    "Clean up {subject}: what does the linter want there?",
    "I'm editing {subject}. Which complaints are about it?",
    "Only the findings in {subject}.",
)
_LINE = (
    "What is reported at line {line}?",
    "Line {line}: complaint?",
    "Why is line {line} marked?",
)
_NAME = (
    "What is the problem with `{name}`?",
    "Which finding is about {name}?",
    "{name} is complained about; why?",
)
_SUM = ("How many problems are left?", "What is the total?", "Is the file clean?")
_FAULTS = ("assert missing_name", "import tempfile", "leftover = 42", "print(undefined)")
_MYPY = {
    "no-untyped-def": ("functions without types", "a signature that says nothing of what goes in and out"),
    "no-untyped-call": ("calling something that has no types", "calls into code without annotations"),
    "attr-defined": ("members that do not exist", "access to something that an object lacks"),
    "import-not-found": ("modules that could not be located", "packages that are not installed"),
    "import-untyped": ("libraries without type information", "missing stubs"),
    "assignment": ("putting a value of another type into a variable", "an incompatible value stored"),
    "arg-type": ("passing the wrong type", "what a caller hands over does not fit"),
    "return-value": ("giving back another type than promised", "a wrong result type"),
    "no-any-return": ("results whose type is unknown although one was promised", "giving back something untyped"),
    "type-arg": ("generics without their parameters", "bare containers in annotations"),
    "var-annotated": ("variables whose type cannot be guessed", "an empty container without a type"),
    "union-attr": ("something that may be None or another type", "a member that only some alternatives have"),
    "misc": ("various other faults", "subclassing something unknown"),
    "name-defined": ("names that do not exist", "something used but never defined"),
    "index": ("subscripts that do not work", "square brackets on something that has none"),
    "operator": ("arithmetic between types that do not fit", "plus or minus on something unsuitable"),
    "override": ("a method that differs from that of its parent", "subclasses that break the promise of the base"),
    "call-overload": ("no variant of a function fits", "arguments that match no alternative"),
    "unused-ignore": ("needless suppressions", "comments that silence nothing"),
}


@lru_cache(maxsize=1)
def rules() -> dict[str, str]:
    """Rules of ruff by code, each with the sentence that says what it checks."""
    text = output_of([_RUFF, "rule", "--all", "--output-format", "json"], Path())
    sentences = {}
    for rule in json.loads(text):
        match = re.search(
            r"## What it does\s+(?:Checks for|Checks that|Checks)\s+(.*?)\.(?:\s|$)",
            rule["explanation"] or "",
            re.DOTALL,
        )
        if match and len(match[1]) < 130:
            sentences[rule["code"]] = re.sub(r"\s+", " ", match[1]).replace("`", "")
    return sentences


def ruffs(bench: Workbench) -> Iterator[Output]:
    """Endless runs of ruff, each over one spoilt file."""
    rng = bench.rng
    while True:
        package, name, module = bench.source(min_symbols=3, max_lines=700)
        folder = bench.fresh_folder()
        file = Path(name).name
        (folder / file).write_text(_spoilt(bench, module.text))

        chosen = rng.choice(("ALL", "ALL", "E,F,W,B,SIM,UP,N", "D,ANN,PL", "F,E,I,RUF,PT,C4,RET"))
        form = rng.choice(("concise", "concise", "full", "grouped", "pylint"))
        arguments = ["check", "--isolated", "--no-cache", "--select", chosen, "--output-format", form, file]
        text = "\n".join(
            line for line in bench.run([_RUFF, *arguments], folder).split("\n") if not line.startswith("warning:")
        )
        if text.count("\n") < 8:
            continue
        goals = GoalCollector(Lines(text), max_lines=16)
        _findings(bench, goals, form)
        call = {"command": "ruff " + " ".join(arguments)}
        yield Output("ruff", "bash", call, text, package.name, goals.collected, "pipe", failed=True)


def _spoilt(bench: Workbench, text: str) -> str:
    """A copy with faults: imports that nobody uses, names that do not exist, bare excepts."""
    lines = text.split("\n")
    for _ in range(bench.rng.randrange(5)):
        row = bench.rng.randrange(len(lines))
        line = lines[row]
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip().startswith(("return ", "if ")) and line.rstrip().endswith((")", ":", "]")):
            lines.insert(row, indent + bench.rng.choice(_FAULTS))
    return "\n".join(lines)


def _findings(bench: Workbench, goals: GoalCollector, form: str) -> None:
    rng, lines = bench.rng, goals.lines.lines
    of_rule: dict[str, list[int]] = defaultdict(list)
    of_line: dict[int, list[int]] = defaultdict(list)
    of_name: dict[str, list[int]] = defaultdict(list)

    # the lines of each finding; in the full format its place stands on a line below
    starts = {i: (m[1] or m[3], int(m[2] or 0)) for i, line in enumerate(lines) if (m := _start(line, form))}
    order = [*sorted(starts), len(lines)]
    for position, (i, (code, shown)) in enumerate(sorted(starts.items())):
        line = shown
        rows = range(i, min(order[position + 1], i + 9)) if form == "full" else range(i, i + 1)
        rows = range(rows.start, max((k for k in rows if not lines[k].startswith("Found ")), default=i) + 1)
        if form == "full":
            line = next((int(m[1]) for k in rows if (m := re.search(r"--> \S+?:(\d+):", lines[k]))), 0)
        of_rule[code] += rows
        of_line[line] += rows
        for name in re.findall(r"`([A-Za-z_]\w{3,})`", lines[i]):
            of_name[name] += rows

    for code, picked in of_rule.items():
        goals.add(phrase(rng, _RULE, code=code), picked, code)
        if code in rules():
            for _ in range(2):
                goals.add(phrase(rng, _DESCRIBED, fault=reword(rng, rules()[code])), picked, code, plain=False)
    for name, picked in of_name.items():
        goals.add(phrase(rng, _NAME, name=name), picked, name)
    for line, picked in of_line.items():
        if rng.random() < 0.2 and line:
            goals.add(phrase(rng, _LINE, line=line), picked, None)

    goals.add(phrase(rng, _SUM), goals.lines.matching(r"^Found \d+ error"), plain=False)


def _start(line: str, form: str) -> re.Match[str] | None:
    if form == "full":
        return re.match(r"([A-Z]+\d+|invalid-syntax)()()[: ]", line)
    if form == "grouped":
        return re.match(r"()\s+(\d+):\d+\s+([A-Z]+\d+)", line)
    if form == "pylint":
        return re.match(r"()\S+:(\d+): \[([A-Z]+\d+)\]", line)
    return re.match(r"()\S+?:(\d+):\d+: ([A-Z]+\d+)", line)


def mypys(bench: Workbench) -> Iterator[Output]:
    """Endless runs of mypy over one file each, without following imports."""
    rng = bench.rng
    cache = bench.fresh_folder()
    while True:
        package, name, module = bench.source(min_symbols=6, max_lines=1500)
        folder = bench.fresh_folder()
        file = Path(name).name
        (folder / file).write_text(module.text)

        flags = ["--strict", "--follow-imports=skip", "--ignore-missing-imports"]
        flags += rng.choice(([], ["--pretty"], ["--show-column-numbers"]))
        command = [PYTHON, "-m", "mypy", "--cache-dir", str(cache), *flags, file]
        text = bench.run(command, folder)
        if text.count("\n") < 8:
            continue
        goals = GoalCollector(Lines(text), max_lines=16)
        _types(bench, goals, module)
        call = {"command": f"mypy {' '.join(flags)} {file}"}
        yield Output("mypy", "bash", call, text, package.name, goals.collected, "pipe", failed=True)


def _types(bench: Workbench, goals: GoalCollector, module: Module) -> None:
    rng, lines = bench.rng, goals.lines.lines
    starts = {i: int(m[1]) for i, line in enumerate(lines) if (m := re.match(r"\S+?\.py:(\d+):", line))}
    order = [*sorted(starts), len(lines)]
    rows = {i: range(i, min(order[position + 1], i + 5)) for position, i in enumerate(sorted(starts))}
    rows = {i: range(r.start, r.stop - int(lines[r.stop - 1].startswith("Found"))) for i, r in rows.items()}

    _worded(bench, goals, rows)
    of_line: dict[int, list[int]] = defaultdict(list)
    for i, picked in rows.items():
        of_line[starts[i]] += picked
    for line, findings in of_line.items():
        if rng.random() < 0.2:
            goals.add(phrase(rng, _LINE, line=line), findings)

    for s in module.symbols:
        within = [k for i, r in rows.items() if s.top < starts[i] <= s.end + 1 for k in r]
        if within and not s.is_class and not s.name.startswith("__"):
            described = len(s.doc) > 20 and rng.random() < 0.6
            subject = f'the function that has the job "{reword(rng, s.doc)}"' if described else s.qualified_name
            goals.add(phrase(rng, _WITHIN, subject=subject), within, s.name, plain=not described)
    goals.add(phrase(rng, _SUM), goals.lines.matching(r"^Found \d+ error"), plain=False)


def _worded(bench: Workbench, goals: GoalCollector, rows: Mapping[int, range]) -> None:
    """Add goals by the code of a finding, and by the names in it."""
    rng = bench.rng
    of_code: dict[str, list[int]] = defaultdict(list)
    of_name: dict[str, list[int]] = defaultdict(list)

    for picked in rows.values():
        text = " ".join(goals.lines.lines[k].strip() for k in picked)
        if code := re.search(r"\[([a-z-]+)\]", text):
            of_code[code[1]] += picked
        for name in sorted(set(re.findall(r'"([A-Za-z_]\w{3,})"', text))):
            of_name[name] += picked

    for word, findings in of_code.items():
        goals.add(phrase(rng, _RULE, code=word), findings, word)
        for fault in _MYPY.get(word, ()):
            goals.add(phrase(rng, _DESCRIBED, fault=fault), findings, word, plain=False)
    for name, findings in of_name.items():
        goals.add(phrase(rng, _NAME, name=name), findings, name)
        if " " in spell_out(name):
            goals.add(
                phrase(rng, _NAME[1:2], name=f'the thing called "{spell_out(name)}"'), findings, name, plain=False
            )
