"""Build logs: `compileall` over copies with broken files, and import times; and the help of real commands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from contextprune.training.executed.material import Package, parse_module
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword, words_of
from contextprune.training.executed.workbench import PYTHON, Workbench

_BROKEN = (
    "Which file does not compile, and why?",
    "Where is the syntax wrong?",
    "What stops the build?",
    "Find the errors in the build log.",
    "The image build exits with 1. Cause?",
)
_ONE_FILE = (
    "Why can't {file} be compiled?",
    "What is wrong with {file}?",
    "{file}: which line is broken?",
)
_BY_FAULT = (
    "Which file has this fault: {fault}?",
    "One of the files suffers from {fault}; which?",
    "Look for {fault}.",
)
_COMPILED = (
    "Was {file} compiled?",
    "Did the build reach {file}?",
    "Is {file} part of the build?",
)
_BY_DOCSTRING = (
    "Was the file for {doc} built?",
    "Did it get to the module described as: {doc}?",
)
_SLOW = (
    "Which import is slowest by itself?",
    "What should be imported late to start faster?",
    "Which module costs most at startup?",
)
_TIME = ("How long does {name} take to import?", "Cost of importing {name}?", "Is {name} imported at startup?")
_SPOKEN = ("Do we load anything for {words} at startup?", "How much does the {words} module add?")

_FAULTS = (
    ("a bracket that is never closed", "value = call(1, [2, 3"),
    ("an indentation that fits nothing", "if True:\n        a = 1\n    b = 2"),
    ("a text without its closing quote", "name = 'unfinished"),
    ("a colon that was forgotten", "def broken()\n    pass"),
    ("a keyword used as a name", "class = 3"),
    ("a return outside of any function", "return 5"),
    ("an old print statement", 'print "hello"'),
    ("an argument that is given twice", "def twice(a, a):\n    pass"),
    ("an await outside of async code", "def plain():\n    await other()"),
    ("an assignment to a number", "7 = seven"),
)


def builds(bench: Workbench) -> Iterator[Output]:
    """Endless logs of `compileall` and of import times; a package that is too small gives none."""
    while True:
        make_log = bench.rng.choice((_compile, _compile, _times))
        output = make_log(bench)
        if output:
            yield output


def _compile(bench: Workbench) -> Output | None:
    rng = bench.rng
    package = bench.package(min_files=15)
    names = [n for n in package.modules if (package.home / n).stat().st_size < 30_000 and package.name != "stdlib"]
    if len(names) < 10:
        return None
    names = sorted(rng.sample(names, min(len(names), rng.choice((15, 30, 60, 110, 200)))))
    names = [name for name in names if parse_module(package.home / name)]

    # a copy of the modules, some of them broken by one line of code
    folder, home = bench.fresh_folder(), bench.home()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package.home / name, folder / name)
    broken = {name: rng.choice(_FAULTS) for name in rng.sample(names, rng.choice((0, 1, 1, 2, 3, 5)))}
    for name, (_, code) in broken.items():
        lines = (folder / name).read_text(encoding="utf-8").split("\n")
        tops = [s.top for s in source.symbols if not s.owner] if (source := parse_module(package.home / name)) else [0]
        row = rng.choice(tops or [0])
        (folder / name).write_text("\n".join([*lines[:row], code, *lines[row:]]), encoding="utf-8")

    text = bench.run([PYTHON, "-W", "ignore", "-m", "compileall", "-f", "."], folder, home)
    goals = GoalCollector(Lines(text), max_lines=24)
    _compiled(bench, package, goals, broken)
    call = {"command": f"cd {home} && python -m compileall -f ."}
    return Output("build", "bash", call, text, package.name, goals.collected, "pipe", failed=bool(broken))


def _compiled(bench: Workbench, package: Package, goals: GoalCollector, broken: dict[str, tuple[str, str]]) -> None:
    rng, lines = bench.rng, goals.lines.lines
    all_rows: list[int] = []
    faults = [fault for fault, _ in broken.values()]

    # each broken file: its error block goes to the next line that `compileall` starts with a word of its own
    for name, (fault, _) in broken.items():
        start = next((i for i, line in enumerate(lines) if line.startswith("***") and f"/{name}'" in line), None)
        if start is None:
            continue
        end = next(
            (i for i in range(start + 1, len(lines)) if re.match(r"(Compiling|Listing|\*\*\*)", lines[i])), len(lines)
        )
        rows = [i for i in range(start, end) if lines[i].strip()]
        all_rows += rows
        goals.add(phrase(rng, _ONE_FILE, file=name), rows, name)
        goals.add(phrase(rng, _ONE_FILE, file=name.rpartition("/")[2]), rows, name)
        if faults.count(fault) == 1:
            for _ in range(3):
                goals.add(phrase(rng, _BY_FAULT, fault=fault), rows, f"*** Error compiling './{name}", plain=False)
    for _ in range(3):
        if broken:
            goals.add(phrase(rng, _BROKEN), all_rows, plain=False)
        else:
            goals.add_unanswerable(phrase(rng, _BROKEN))
            goals.add_unanswerable(phrase(rng, _BY_FAULT, fault=rng.choice(_FAULTS)[0]))

    # files that did compile
    for i, line in enumerate(lines):
        match = re.match(r"Compiling '\./(.+)'\.\.\.", line)
        if match and match[1] not in broken:
            goals.add(phrase(rng, _COMPILED, file=match[1]), [i], match[1])
            source = parse_module(package.home / match[1])
            if source and is_descriptive(source.doc):
                goals.add(phrase(rng, _BY_DOCSTRING, doc=reword(rng, source.doc)), [i], match[1], plain=False)


_LIGHT_TEXT = (
    "asyncio http.server unittest.mock email.message rich.console click jinja2 requests pydantic networkx yaml "
    "pip._internal.cli.main typer tomlkit xmlrpc.client multiprocessing.pool concurrent.futures logging.config "
    "sqlite3 pygments.lexers urllib3 anyio mpmath markdown_it contextprune"
)
_LIGHT = _LIGHT_TEXT.split()


def _times(bench: Workbench) -> Output | None:
    rng = bench.rng
    name = rng.choice(_LIGHT)
    text = bench.run([PYTHON, "-X", "importtime", "-c", f"import {name}"], bench.folder)
    text = re.sub(r"(?m)^(import time: +)(\d+)( \| +)(\d+)", lambda match: _timed(bench, match), text)
    goals = GoalCollector(Lines(text))

    rows = {i: (int(match[1]), match[2]) for i, line in enumerate(goals.lines.lines)
            if (match := re.match(r"import time: +(\d+) \| +\d+ \| +(\S+)", line))}  # fmt: skip
    slowest = max(rows, key=lambda i: rows[i][0], default=0)
    for _ in range(3):
        goals.add(phrase(rng, _SLOW), [slowest], plain=False)
    for i, (_, imported) in rows.items():
        goals.add(phrase(rng, _TIME, name=imported), [i], imported)
        words = " ".join(words_of(imported)[-2:])
        if " " in words and sum(words in " ".join(words_of(any_name)) for _, any_name in rows.values()) == 1:
            goals.add(phrase(rng, _SPOKEN, words=words), [i], imported, plain=False)

    call = {"command": f"python -X importtime -c 'import {name}'"}
    return Output("build", "bash", call, text, name.partition(".")[0], goals.collected)


def _timed(bench: Workbench, match: re.Match[str]) -> str:
    """Draw times anew, since they differ from run to run; the columns keep their widths."""
    self_time = int(bench.rng.lognormvariate(5.5, 1.3)) + 20
    cumulative = self_time + bench.rng.randrange(4000)
    return f"{match[1]}{self_time:>{len(match[2])}}{match[3]}{cumulative:>{len(match[4])}}"


_OPTION = ("What does {name} do?", "Is there a flag {name}?", "Meaning of `{name}`?", "May I pass {name}?")
_FLAG_DESCRIBED = (
    "Is there a switch for this: {doc}?",
    "Which flag do I want: {doc}?",
    'Find the option described as "{doc}".',
)
_RUFF = "check format rule config linter clean server analyze"
_PIP = "install download uninstall freeze inspect list show check config search cache index wheel hash debug"
_MODULES = (
    "json.tool unittest http.server venv compileall timeit zipfile tarfile trace cProfile ast dis inspect pdb tokenize"
)
_MORE = "calendar gzip pickletools site ensurepip"
_SCRIPTS = (
    "pytest mypy ruff pip python pyproject-build stubgen stubtest dmypy isympy hf typer torchrun pygmentize idna f2py"
)
_COMMANDS = (  # nothing of GNU's: the wording of its help is under its licence
    *(f"ruff {name} --help" for name in _RUFF.split()),
    *(f"pip {name} --help" for name in _PIP.split()),
    *(f"python -m {name} --help" for name in f"{_MODULES} {_MORE}".split()),
    *(f"{name} --help" for name in _SCRIPTS.split()),
    *(f"hatchling {name} --help" for name in ("build", "metadata", "version")),
    *(f"hf {name} --help" for name in ("download", "upload", "cache", "auth", "repo")),
    *("markdown-it --help", "transformers --help", "sqlite3 -help", "curl --help all", "contextprune --help"),
)


def helps(bench: Workbench) -> Iterator[Output]:
    """Endless help texts, each of one command; a command that is not installed is tried once."""
    commands = list(_COMMANDS)
    while True:
        command = bench.rng.choice(commands)
        parts = command.split()
        local = Path(PYTHON).with_name(parts[0])
        parts[0] = str(local) if local.exists() else shutil.which(parts[0]) or ""
        text = bench.run(parts, bench.folder) if parts[0] else ""

        goals = GoalCollector(Lines(text), max_lines=8)
        if len(goals.lines) < 15 or "Traceback" in text:
            commands.remove(command)
            continue
        _options(bench, goals)
        package = {"python": "stdlib", "git": "git"}.get(command.split()[0], command.split()[0])
        yield Output("help", "bash", {"command": command}, text, package, goals.collected)


def _options(bench: Workbench, goals: GoalCollector) -> None:
    rng, lines = bench.rng, [re.sub(r"[│╭╰]", " ", line).rstrip() for line in goals.lines.lines]
    starts = [i for i, line in enumerate(lines) if re.match(r"\s{1,10}\*?\s*-{1,2}[A-Za-z]", line)]

    # an option's block: its line and the deeper ones below it
    for position, i in enumerate(starts):
        indent = len(lines[i]) - len(lines[i].lstrip())
        end = i + 1
        limit = starts[position + 1] if position + 1 < len(starts) else len(lines)
        while end < limit and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
            end += 1

        name = re.search(r"--[\w-]+|-\w", lines[i])
        block = " ".join(line.strip() for line in lines[i:end])
        aligned = "  ".join(line.strip() for line in lines[i:end])
        columns = re.split(r"\s{2,}", aligned, maxsplit=1)
        if name:
            goals.add(phrase(rng, _OPTION, name=name[0]), range(i, end), name[0])
        doc = re.split(r"(?<=[a-z)])[.;](?:\s|$)", re.sub(r"\s+", " ", columns[1]))[0] if len(columns) > 1 else ""
        if is_descriptive(doc) and doc in re.sub(r"\s+", " ", block):
            for _ in range(2):
                goals.add(
                    phrase(rng, _FLAG_DESCRIBED, doc=reword(rng, doc)),
                    range(i, end),
                    name[0] if name else None,
                    plain=False,
                )
