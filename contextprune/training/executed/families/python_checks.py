"""Checkers of Python over real modules with planted faults: types, style, safety, dead code, spelling, layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contextprune.training.executed.checks import Check, Project
from contextprune.training.executed.finding_goals import Planted
from contextprune.training.executed.findings import Form
from contextprune.training.executed.languages import ARGUMENTS, NOUNS, VERBS
from contextprune.training.executed.material import Module
from contextprune.training.executed.workbench import Workbench

FAULTS = (
    ("a name that is defined nowhere", "print(@n@)"),
    ("a variable that nobody reads", "@n@ = 42"),
    ("an import of something that is not installed", "import @n@"),
    ("a comparison with None by its value", "if @n@ == None:\n    pass"),
    ("an except that catches everything", "try:\n    @n@ = 1\nexcept:\n    pass"),
    ("a password in the source", 'password = "@n@"'),
    ("a shell command put together from text", 'import subprocess\nsubprocess.call("ls @n@" + str(1), shell=True)'),
    ("a weak hash", 'import hashlib\n@n@ = hashlib.md5(b"x").hexdigest()'),
    ("code that is run from a text", 'eval("@n@")'),
    ("a file in a place that anybody may write to", '@n@ = open("/tmp/@n@", "w")'),
    ("a text where a number belongs", '@n@: int = "many"'),
    ("too many arguments for a function", "@n@ = len([1], [2])"),
    ("a member that does not exist", '@n@ = "a".no_such_@n@()'),
    ("a formatted text without anything to fill in", '@n@ = f"static"'),
    ("an assertion that is always true", 'assert (1, "@n@")'),
    ("a line that is far too long", f'@n@ = "{"x" * 130}"'),
    ("a misspelt word in a comment", "# recieve the @n@ seperately, as it occured before"),
    ("code after a return, which never runs", 'return None\n@n@ = "never"'),
    ("a default that all calls share", "def @n@(items=[]):\n    return items"),
    ("a random number used as a secret", "import random\ntoken = random.random()"),
    ("data read in a way that runs code", "import pickle\n@n@ = pickle.loads(b'')"),
    ("several statements on one line", "@n@ = 1; del @n@"),
    ("a lambda that is given a name", "@n@ = lambda x: x"),
    ("a comparison of types instead of instances", "if type(@n@) == type(3):\n    pass"),
    ("a loop over a copy of the keys", "for @n@ in dict().keys():\n    pass"),
    ("a list that is built by a needless comprehension", "@n@ = [i for i in range(3)]"),
    ("blanks around brackets", "@n@ = [ 1,2 ,3 ]"),
    ("a global statement", "global @n@\n@n@ = 1"),
)


def spoilt(max_lines: int = 500, files: tuple[int, ...] = (1, 2, 4)) -> Callable[[Workbench], Project]:
    """Make projects of a few real modules with planted faults."""

    def project(bench: Workbench) -> Project:
        texts: dict[str, str] = {}
        planted: list[Planted] = []
        subject = ""
        for _ in range(bench.rng.choice(files)):
            package, path, module = bench.source(min_symbols=2, max_lines=max_lines)
            name = Path(path).name
            if not texts or package.name == subject:
                subject = package.name
                texts[name], faults = plant(bench, module, name, bench.rng.choice((0, 1, 2, 3, 5)))
                planted = [*(fault for fault in planted if fault.file != name), *faults]
        return Project(subject, texts, planted, sorted(texts))

    return project


def plant(bench: Workbench, module: Module, name: str, count: int) -> tuple[str, list[Planted]]:
    """Put faults at the beginning of functions of a module; returns its text and them, with their lines."""
    rng = bench.rng
    lines = module.text.split("\n")
    bodies = sorted({s.body for s in module.symbols if not s.is_class and s.body > s.head})
    chosen = sorted(rng.sample(bodies, min(count, len(bodies))))
    planted: list[Planted] = []
    added = 0

    for row_of_body in chosen:
        words, code = rng.choice(FAULTS)
        used = f"{rng.choice(VERBS)}_{rng.choice(NOUNS)}_{rng.choice(ARGUMENTS)}"
        original = lines[row_of_body + added]
        indent = original[: len(original) - len(original.lstrip())]
        new_lines = [indent + line for line in code.replace("@n@", used).split("\n")]
        lines[row_of_body + added : row_of_body + added] = new_lines
        row = next((i for i, line in enumerate(new_lines) if "@n@" in code and used in line), len(new_lines) - 1)
        planted.append(Planted(words, name, row_of_body + added + row + 1, used if "@n@" in code else ""))
        added += len(new_lines)
    return "\n".join(lines), planted


_FILE_AND_LINE = r"(?:\./|/\S*/)?(?P<file>[^\s:/]+\.py):(?P<line>\d+)"
_FLAKE8 = Form(rf"{_FILE_AND_LINE}:\d+: (?P<code>[A-Z]+\d+) ", summary=r"\d+$")
_FLAKE8_SOURCE = Form(_FLAKE8.start, more=r"(?!\S+\.py:\d+:)", summary=r"\d+$")
_PYLINT = Form(
    rf"{_FILE_AND_LINE}:\d+: (?P<code>[A-Z]\d+): ",
    heading=r"\*{5,} Module (?P<file>\S+)",
    summary=r"Your code has been rated",
)
_PYRIGHT = Form(
    rf"\s+{_FILE_AND_LINE}:\d+ - (?P<level>error|warning|information): ",
    more=r" {3,}(?!/)\S|.*\((?P<code>report\w+)\)",
    heading=r"(?P<file>/\S+\.py)$",
    location=r".*\((?P<code>report\w+)\)",
    summary=r"\d+ errors?, ",
)
_BANDIT = Form(
    r">> Issue: \[(?P<code>B\d+)",
    more=r"(?!-{20}|>> Issue|\s*$)",
    idle=r"   (?:More Info|CWE)",
    location=rf"\s+Location: {_FILE_AND_LINE}",
    summary=r"\tTotal issues|\t\t(?:High|Medium|Low): [1-9]|Code scanned|\tNo issues",
)
_VULTURE = Form(rf"{_FILE_AND_LINE}: (?:unused|unreachable)")
_PYDOCSTYLE = Form(rf"{_FILE_AND_LINE} (?:in|at) ", location=r"\s+(?P<code>D\d+):")
_PYFLAKES = Form(rf"{_FILE_AND_LINE}:\d+:? ")
_CODESPELL = Form(rf"{_FILE_AND_LINE}: \w+ ==> ", more=r"(?!)")
_BLACK = Form(
    r"would reformat (?P<file>\S+)|error: cannot format (?P<alone>\S+):",
    summary=r"All done|Oh no|\d+ files? (?:would|failed)",
)
_DIFF = Form(r"@@ -(?P<line>\d+)", more=r"(?!@@|--- )", idle=r" ", heading=r"\+\+\+ \S*?(?P<file>[\w.]+\.py)")
_RADON = Form(
    r"\s+[FMC] (?P<line>\d+):\d+ (?P<name>\S+) - (?P<code>[C-F])",
    heading=r"(?P<file>\S+\.py)$",
    summary=r"Average|\d+ blo",
)
_INTERROGATE = Form(r"\| (?P<file>\S+\.py) .*\|\s+[1-9]\d* \|", heading=r"\| Name", summary=r"RESULT|\| TOTAL")

CHECKS = (
    Check(
        "flake8",
        ("flake8",),
        (
            ("flake8 {files}", _FLAKE8),
            ("flake8 --show-source {files}", _FLAKE8_SOURCE),
            ("flake8 --max-line-length 100 --count {files}", _FLAKE8),
            ("flake8 --select F,E7,E9,W6 {files}", _FLAKE8),
        ),
        spoilt(),
    ),
    Check(
        "pylint",
        ("pylint",),
        (("pylint {files}", _PYLINT), ("pylint --disable=C,R {files}", _PYLINT)),
        spoilt(350, (1, 2)),
    ),
    Check("pyright", ("basedpyright",), (("basedpyright --level error {files}", _PYRIGHT),), spoilt(400, (1, 1, 2))),
    Check("bandit", ("bandit",), (("bandit -q -r .", _BANDIT), ("bandit -r .", _BANDIT)), spoilt()),
    Check(
        "vulture",
        ("vulture",),
        (("vulture {files}", _VULTURE), ("vulture --min-confidence 80 {files}", _VULTURE)),
        spoilt(),
    ),
    Check("pydocstyle", ("pydocstyle",), (("pydocstyle {files}", _PYDOCSTYLE),), spoilt(300)),
    Check("pyflakes", ("pyflakes",), (("pyflakes {files}", _PYFLAKES),), spoilt(700, (4, 6, 9))),
    Check("codespell", ("codespell",), (("codespell .", _CODESPELL),), spoilt(700, (6, 9))),
    Check("black", ("black",), (("black --check -v .", _BLACK), ("black --diff -q .", _DIFF)), spoilt(250, (4, 7))),
    Check("isort", ("isort",), (("isort --diff .", _DIFF),), spoilt(300, (4, 7))),
    Check("radon", ("radon",), (("radon cc -s -a {files}", _RADON),), spoilt(600, (3, 5))),
    Check("interrogate", ("interrogate",), (("interrogate -vv {files}", _INTERROGATE),), spoilt(500, (4, 7))),
)
