"""`grep` over a package; goals choose hits by role: definition, import, inside which function, of which class."""

from __future__ import annotations

import ast
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from contextprune.training.executed.material import Package, Symbol, parse_module
from contextprune.training.executed.output import Goal, GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword, words_of
from contextprune.training.executed.symbols import goals_about, unambiguous
from contextprune.training.executed.workbench import Workbench

_DECLARED = (r"^def \w+|^    def \w+", r"^class \w+", r"def ", r"^class |^def ")
_COMMON = (
    "timeout", "raise ValueError", "raise TypeError", "warnings.warn", "logger", "isinstance", "encoding", "TODO",
    "import re", "os.path", "NotImplementedError", "@property", "yield", "assert ", "deprecated", "except ", "global ",
    "lambda", "return None", "kwargs", "default", "default=", "format(", "__init__", "super()", "async def", "len(",
)  # fmt: skip
_ROLE = {
    "definition": (
        "Where is {p} defined rather than used?",
        "Skip the calls: where does {p} get introduced?",
        "Which of these hits declares {p}?",
        "Find the place to edit if I want to change what {p} itself does.",
        "I only want the hit with the implementation, not its users.",
    ),
    "import": (
        "Which files import {p}?",
        "What would break at import time if {p} moved to another module?",
        "List the modules that pull in {p} by an import statement.",
        "I am moving {p}; which import lines must be rewritten?",
    ),
    "comment": (
        "Is {p} mentioned in any comment?",
        "Which hits are mere remarks rather than code?",
        "Only hits in comments, please: I'm cleaning up stale notes about {p}.",
    ),
    "raise": (
        "Where is {p} thrown, not caught?",
        "Which places fail with an exception here?",
        "Which lines make this error come up?",
    ),
    "return": (
        "Where is the result handed straight back to the caller?",
        "Which hits are return statements?",
        "Where does {p} decide what a function gives back?",
    ),
}
_WITHIN = (
    "Which of the hits lie in `{name}`?",
    "Only the hits within {name}.",
    "How does {name} use {p}?",
    "I'm refactoring {name}: which of these lines are in it?",
)
_DESCRIBED = (
    "Which hits belong to the function for this: {doc}?",
    "How is it used in the code whose job is: {doc}?",
    "Restrict this to the function for the following: {doc}.",
    'One of the callers is described as "{doc}". Which line is it?',
)
_FILE = (
    "Which hits are in {file}?",
    "What does {file} have to do with {p}?",
    "I only care about the {words} module.",
    "Does {words} touch {p}? Where?",
    "Review {file} for its use of {p}.",
)
_FILE_DESCRIBED = (
    "Only the module about the following matters: {doc}.",
    'Which hits come from the file described as "{doc}"?',
    "How does the part of the code that has this purpose use it: {doc}",
)


@dataclass(slots=True)
class _Hits:
    """Rows of the output by the role of the line, by function and by file; and the symbols that they declare."""

    roles: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    by_function: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    symbols: dict[str, Symbol] = field(default_factory=dict)
    declared: list[tuple[int, Symbol]] = field(default_factory=list)


def greps(bench: Workbench) -> Iterator[Output]:
    """Endless searches, for names that the package uses often or for common phrases."""
    while True:
        package = bench.package(min_files=8)
        root = _root(bench, package)
        pattern = _pattern(bench, package)
        if not pattern:
            continue
        tool, call, command = _command(bench, pattern, root)
        text = bench.run(command, package.home)
        lines = Lines(text)
        if not 12 < len(lines) < 1000 or any(len(line) > 900 for line in lines.lines):
            continue
        yield Output("grep", tool, call, text, package.name, _collect_goals(bench, package, lines, pattern))


def _root(bench: Workbench, package: Package) -> str:
    """Draw where to search: the package, a folder of it, or one file."""
    names = package.modules
    draw = bench.rng.random()
    if not names or package.name == "stdlib" or draw < 0.2:
        return bench.rng.choice(names) if names else package.files[0]
    if draw < 0.55:
        folder = bench.rng.choice(names).rpartition("/")[0]
        return folder or package.name
    return package.name


def _pattern(bench: Workbench, package: Package) -> str:
    draw = bench.rng.random()
    if draw < 0.3:
        return bench.rng.choice(_DECLARED)
    if draw < 0.55:
        return bench.rng.choice(_COMMON)
    names = package.modules
    module = parse_module(package.home / bench.rng.choice(names)) if names else None
    if not module:
        return ""

    counts = Counter(re.findall(r"\b[A-Za-z_][A-Za-z_0-9]{4,}\b", module.text))
    defined = [s.name for s in module.symbols if counts[s.name] > 1 and len(s.name) > 4]
    often = [word for word, n in counts.most_common(60) if (n > 6 and "_" in word) or word[0].isupper()]
    pool = sorted({*defined, *often})
    return bench.rng.choice(pool) if pool else ""


def _command(bench: Workbench, pattern: str, root: str) -> tuple[str, Mapping[str, object], list[str]]:
    rng = bench.rng
    wide = "|" in pattern or "\\" in pattern or pattern.startswith("^")
    flags = ["-rnE" if wide else "-rn", "--include=*.py"]
    if not root.endswith(".py") and rng.random() < 0.2:
        flags.append("-w" if pattern.isidentifier() else "-I")
    command = ["grep", *flags, pattern, root]
    if root.endswith(".py"):
        command = ["grep", "-HnE" if wide else "-Hn", pattern, root]

    if rng.random() < 0.3:
        return "grep", {"pattern": pattern, "path": root, "glob": "*.py", "output_mode": "content"}, command
    return "bash", {"command": shlex.join(command)}, command


def _collect_goals(bench: Workbench, package: Package, lines: Lines, pattern: str) -> list[Goal]:
    hits = _sort_hits(package, lines, pattern)
    rng, goals = bench.rng, GoalCollector(lines, max_lines=12)
    p = f"`{pattern}`" if pattern.isidentifier() else "it" if "|" in pattern or "\\" in pattern else f'"{pattern}"'
    for role, rows in hits.roles.items():
        for _ in range(2):
            goals.add(phrase(rng, _ROLE[role], p=p), rows, plain=False)

    for role in ("import", "comment", "raise"):
        if role not in hits.roles:
            goals.add_unanswerable(phrase(rng, _ROLE[role], p=p))

    _goals_by_location(bench, package, hits, goals, p)
    for row, declared in unambiguous(hits.declared):
        for goal, plain in goals_about(rng, declared):
            goals.add(goal, [row], declared.name, plain=plain)
    return goals.collected


def _goals_by_location(bench: Workbench, package: Package, hits: _Hits, goals: GoalCollector, p: str) -> None:
    """Add goals by the function and by the file in which the hits are."""
    rng = bench.rng
    for name, rows in hits.by_function.items():
        symbol = hits.symbols[name]
        if not symbol.name.startswith("__"):
            goals.add(phrase(rng, _WITHIN, name=symbol.qualified_name, p=p), rows, symbol.name, plain=False)
        if is_descriptive(symbol.doc):
            goals.add(phrase(rng, _DESCRIBED, doc=reword(rng, symbol.doc), p=p), rows, plain=False)

    for file, rows in hits.files.items():
        words = " ".join(words_of(file.rpartition("/")[2].removesuffix(".py"))) or file
        goals.add(phrase(rng, _FILE, file=file, words=words, p=p), rows, file.rpartition("/")[2], plain=True)
        module = parse_module(package.home / file)
        if module and is_descriptive(module.doc):
            goals.add(phrase(rng, _FILE_DESCRIBED, doc=reword(rng, module.doc)), rows, plain=False)


def _sort_hits(package: Package, lines: Lines, pattern: str) -> _Hits:
    hits = _Hits()
    for row, line in enumerate(lines.lines):
        match = re.match(r"([^:]+\.py):(\d+):(.*)", line)
        source = parse_module(package.home / match[1]) if match else None
        if not match or source is None:
            continue

        number, code = int(match[2]) - 1, match[3].strip()
        hits.files[match[1]].append(row)
        inner = [s for s in source.symbols if s.top <= number <= s.end and not s.is_class]
        if inner:
            name = f"{match[1]}:{inner[-1].qualified_name}"
            hits.by_function[name].append(row)
            hits.symbols[name] = inner[-1]
        hits.declared += [(row, s) for s in source.symbols if s.line == number]
        if role := _role(code, pattern):
            hits.roles[role].append(row)
    return hits


def _role(code: str, pattern: str) -> str:
    if pattern.isidentifier() and re.match(rf"(async )?(def|class) {pattern}\b", code):
        return "definition"
    for role, start in (("import", r"from \S+ import |import "), ("comment", "#"), ("raise", "raise ")):
        if re.match(start, code):
            return role
    if code.startswith("return") and _parses(code):
        return "return"
    return ""


def _parses(code: str) -> bool:
    try:
        ast.parse(f"def f():\n    {code}")
    except SyntaxError:
        return False
    return True
