"""Linters over spoilt copies of real files: `ruff` and `mypy`; goals name a rule, a place, or what the rule is for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from contextprune.training.executed.material import Module
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import loosely, say, spoken
from contextprune.training.executed.workbench import PYTHON, Bench, printed

_RUFF = str(Path(PYTHON).with_name("ruff"))
_RULE = (
    "Where is {code} reported?",
    "List the {code} findings.",
    "I fix {code} now; which lines?",
    "Does {code} occur?",
)
_TOLD = (
    "Does the linter complain about this: {told}?",
    "Which findings are of this sort: {told}?",
    "I only fix one class of problems today: {told}.",
    "Find every place with the following fault: {told}.",
    "Which lines must change because of {told}?",
)
_WITHIN = (
    "What is wrong inside {what}?",
    "Clean up {what}: what does the linter want there?",
    "I'm editing {what}. Which complaints are about it?",
    "Only the findings in {what}.",
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
    """For each rule of ruff what it checks, in a sentence."""
    text = printed([_RUFF, "rule", "--all", "--output-format", "json"], Path())
    found = {}
    for rule in json.loads(text):
        told = re.search(
            r"## What it does\s+(?:Checks for|Checks that|Checks)\s+(.*?)\.(?:\s|$)",
            rule["explanation"] or "",
            re.DOTALL,
        )
        if told and len(told[1]) < 130:
            found[rule["code"]] = re.sub(r"\s+", " ", told[1]).replace("`", "")
    return found


def ruffs(bench: Bench) -> Iterator[Output]:
    """One run of ruff after another."""
    rng = bench.rng
    while True:
        package, name, found = bench.source(least=3, most=700)
        place = bench.place()
        file = Path(name).name
        (place / file).write_text(_spoilt(bench, found.text))
        chosen = rng.choice(("ALL", "ALL", "E,F,W,B,SIM,UP,N", "D,ANN,PL", "F,E,I,RUF,PT,C4,RET"))
        form = rng.choice(("concise", "concise", "full", "grouped", "pylint"))
        arguments = ["check", "--isolated", "--no-cache", "--select", chosen, "--output-format", form, file]
        text = "\n".join(
            line for line in bench.run([_RUFF, *arguments], place).split("\n") if not line.startswith("warning:")
        )
        if text.count("\n") < 8:
            continue
        asks = Asks(Lines(text), most=16)
        _findings(bench, asks, form)
        call = {"command": "ruff " + " ".join(arguments)}
        yield Output("ruff", "bash", call, text, package.name, asks.found, "pipe", failed=True)


def _spoilt(bench: Bench, text: str) -> str:
    """A copy with faults: imports that nobody uses, names that do not exist, bare excepts."""
    lines = text.split("\n")
    for _ in range(bench.rng.randrange(5)):
        at = bench.rng.randrange(len(lines))
        line = lines[at]
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip().startswith(("return ", "if ")) and line.rstrip().endswith((")", ":", "]")):
            lines.insert(at, indent + bench.rng.choice(_FAULTS))
    return "\n".join(lines)


def _findings(bench: Bench, asks: Asks, form: str) -> None:
    rng, lines = bench.rng, asks.lines.lines
    of_rule: dict[str, list[int]] = defaultdict(list)
    of_line: dict[int, list[int]] = defaultdict(list)
    of_name: dict[str, list[int]] = defaultdict(list)
    starts = {i: (m[1] or m[3], int(m[2] or 0)) for i, line in enumerate(lines) if (m := _start(line, form))}
    order = [*sorted(starts), len(lines)]
    for at, (i, (code, shown)) in enumerate(sorted(starts.items())):
        line = shown
        rows = range(i, min(order[at + 1], i + 9)) if form == "full" else range(i, i + 1)
        rows = range(rows.start, max((k for k in rows if not lines[k].startswith("Found ")), default=i) + 1)
        if form == "full":
            line = next((int(m[1]) for k in rows if (m := re.search(r"--> \S+?:(\d+):", lines[k]))), 0)
        of_rule[code] += rows
        of_line[line] += rows
        for name in re.findall(r"`([A-Za-z_]\w{3,})`", lines[i]):
            of_name[name] += rows
    for code, picked in of_rule.items():
        asks.add(say(rng, _RULE, code=code), picked, code)
        if code in rules():
            for _ in range(2):
                asks.add(say(rng, _TOLD, told=loosely(rng, rules()[code])), picked, code, plain=False)
    for name, picked in of_name.items():
        asks.add(say(rng, _NAME, name=name), picked, name)
    for line, picked in of_line.items():
        if rng.random() < 0.2 and line:
            asks.add(say(rng, _LINE, line=line), picked, None)
    asks.add(say(rng, _SUM), asks.lines.having(r"^Found \d+ error"), plain=False)


def _start(line: str, form: str) -> re.Match[str] | None:
    if form == "full":
        return re.match(r"([A-Z]+\d+|invalid-syntax)()()[: ]", line)
    if form == "grouped":
        return re.match(r"()\s+(\d+):\d+\s+([A-Z]+\d+)", line)
    if form == "pylint":
        return re.match(r"()\S+:(\d+): \[([A-Z]+\d+)\]", line)
    return re.match(r"()\S+?:(\d+):\d+: ([A-Z]+\d+)", line)


def mypys(bench: Bench) -> Iterator[Output]:
    """One run of mypy after another, without following imports."""
    rng = bench.rng
    cache = bench.place()
    while True:
        package, name, found = bench.source(least=6, most=1500)
        place = bench.place()
        file = Path(name).name
        (place / file).write_text(found.text)
        flags = ["--strict", "--follow-imports=skip", "--ignore-missing-imports"]
        flags += rng.choice(([], ["--pretty"], ["--show-column-numbers"]))
        command = [PYTHON, "-m", "mypy", "--cache-dir", str(cache), *flags, file]
        text = bench.run(command, place)
        if text.count("\n") < 8:
            continue
        asks = Asks(Lines(text), most=16)
        _types(bench, asks, found)
        call = {"command": f"mypy {' '.join(flags)} {file}"}
        yield Output("mypy", "bash", call, text, package.name, asks.found, "pipe", failed=True)


def _types(bench: Bench, asks: Asks, found: Module) -> None:
    rng, lines = bench.rng, asks.lines.lines
    starts = {i: int(m[1]) for i, line in enumerate(lines) if (m := re.match(r"\S+?\.py:(\d+):", line))}
    order = [*sorted(starts), len(lines)]
    rows = {i: range(i, min(order[at + 1], i + 5)) for at, i in enumerate(sorted(starts))}
    rows = {i: range(r.start, r.stop - int(lines[r.stop - 1].startswith("Found"))) for i, r in rows.items()}
    _worded(bench, asks, rows)
    of_line: dict[int, list[int]] = defaultdict(list)
    for i, picked in rows.items():
        of_line[starts[i]] += picked
    for line, findings in of_line.items():
        if rng.random() < 0.2:
            asks.add(say(rng, _LINE, line=line), findings)
    for s in found.symbols:
        inside = [k for i, r in rows.items() if s.top < starts[i] <= s.end + 1 for k in r]
        if inside and not s.is_class and not s.name.startswith("__"):
            told = len(s.doc) > 20 and rng.random() < 0.6
            what = f'the function that has the job "{loosely(rng, s.doc)}"' if told else s.called
            asks.add(say(rng, _WITHIN, what=what), inside, s.name, plain=not told)
    asks.add(say(rng, _SUM), asks.lines.having(r"^Found \d+ error"), plain=False)


def _worded(bench: Bench, asks: Asks, rows: Mapping[int, range]) -> None:
    """Goals by the code of a finding, and by the names in it."""
    rng = bench.rng
    of_code: dict[str, list[int]] = defaultdict(list)
    of_name: dict[str, list[int]] = defaultdict(list)
    for picked in rows.values():
        said = " ".join(asks.lines.lines[k].strip() for k in picked)
        if code := re.search(r"\[([a-z-]+)\]", said):
            of_code[code[1]] += picked
        for name in sorted(set(re.findall(r'"([A-Za-z_]\w{3,})"', said))):
            of_name[name] += picked
    for word, findings in of_code.items():
        asks.add(say(rng, _RULE, code=word), findings, word)
        for told in _MYPY.get(word, ()):
            asks.add(say(rng, _TOLD, told=told), findings, word, plain=False)
    for name, findings in of_name.items():
        asks.add(say(rng, _NAME, name=name), findings, name)
        if " " in spoken(name):
            asks.add(say(rng, _NAME[1:2], name=f'the thing called "{spoken(name)}"'), findings, name, plain=False)
