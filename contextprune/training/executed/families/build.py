"""Build logs: `compileall` over copies with broken files, and import times; and the help of real commands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from contextprune.training.executed.material import Package, module
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import loosely, say, tellable, words_of
from contextprune.training.executed.workbench import PYTHON, Bench

_BROKEN = (
    "Which file does not compile, and why?",
    "Where is the syntax wrong?",
    "What stops the build?",
    "Find the errors in the build log.",
    "The image build exits with 1. Cause?",
)
_ONE = (
    "Why can't {file} be compiled?",
    "What is wrong with {file}?",
    "{file}: which line is broken?",
)
_SORT = (
    "Which file has this fault: {told}?",
    "One of the files suffers from {told}; which?",
    "Look for {told}.",
)
_DONE = (
    "Was {file} compiled?",
    "Did the build reach {file}?",
    "Is {file} part of the build?",
)
_ABOUT = (
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


def builds(bench: Bench) -> Iterator[Output]:
    """One log after another."""
    while True:
        way = bench.rng.choice((_compile, _compile, _times))
        found = way(bench)
        if found:
            yield found


def _compile(bench: Bench) -> Output | None:
    rng = bench.rng
    package = bench.package(least=15)
    names = [n for n in package.modules if (package.home / n).stat().st_size < 30_000 and package.name != "stdlib"]
    if len(names) < 10:
        return None
    names = sorted(rng.sample(names, min(len(names), rng.choice((15, 30, 60, 110, 200)))))
    names = [name for name in names if module(package.home / name)]
    place, home = bench.place(), bench.home()
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(package.home / name, place / name)
    broken = {name: rng.choice(_FAULTS) for name in rng.sample(names, rng.choice((0, 1, 1, 2, 3, 5)))}
    for name, (_, code) in broken.items():
        lines = (place / name).read_text(encoding="utf-8").split("\n")
        tops = [s.top for s in found.symbols if not s.owner] if (found := module(package.home / name)) else [0]
        at = rng.choice(tops or [0])
        (place / name).write_text("\n".join([*lines[:at], code, *lines[at:]]), encoding="utf-8")
    text = bench.run([PYTHON, "-W", "ignore", "-m", "compileall", "-f", "."], place, home)
    asks = Asks(Lines(text), most=24)
    _compiled(bench, package, asks, broken)
    call = {"command": f"cd {home} && python -m compileall -f ."}
    return Output("build", "bash", call, text, package.name, asks.found, "pipe", failed=bool(broken))


def _compiled(bench: Bench, package: Package, asks: Asks, broken: dict[str, tuple[str, str]]) -> None:
    rng, lines = bench.rng, asks.lines.lines
    every: list[int] = []
    faults = [fault for fault, _ in broken.values()]
    for name, (fault, _) in broken.items():
        start = next((i for i, line in enumerate(lines) if line.startswith("***") and f"/{name}'" in line), None)
        if start is None:
            continue
        end = next(
            (i for i in range(start + 1, len(lines)) if re.match(r"(Compiling|Listing|\*\*\*)", lines[i])), len(lines)
        )
        rows = [i for i in range(start, end) if lines[i].strip()]
        every += rows
        asks.add(say(rng, _ONE, file=name), rows, name)
        asks.add(say(rng, _ONE, file=name.rpartition("/")[2]), rows, name)
        if faults.count(fault) == 1:
            for _ in range(3):
                asks.add(say(rng, _SORT, told=fault), rows, f"*** Error compiling './{name}", plain=False)
    for _ in range(3):
        if broken:
            asks.add(say(rng, _BROKEN), every, plain=False)
        else:
            asks.nothing(say(rng, _BROKEN))
            asks.nothing(say(rng, _SORT, told=rng.choice(_FAULTS)[0]))
    for i, line in enumerate(lines):
        found = re.match(r"Compiling '\./(.+)'\.\.\.", line)
        if found and found[1] not in broken:
            asks.add(say(rng, _DONE, file=found[1]), [i], found[1])
            source = module(package.home / found[1])
            if source and tellable(source.doc):
                asks.add(say(rng, _ABOUT, doc=loosely(rng, source.doc)), [i], found[1], plain=False)


_LIGHT_TEXT = (
    "asyncio http.server unittest.mock email.message rich.console click jinja2 requests pydantic networkx yaml "
    "pip._internal.cli.main typer tomlkit xmlrpc.client multiprocessing.pool concurrent.futures logging.config "
    "sqlite3 pygments.lexers urllib3 anyio mpmath markdown_it contextprune"
)
_LIGHT = _LIGHT_TEXT.split()


def _times(bench: Bench) -> Output | None:
    rng = bench.rng
    name = rng.choice(_LIGHT)
    text = bench.run([PYTHON, "-X", "importtime", "-c", f"import {name}"], bench.folder)
    text = re.sub(r"(?m)^(import time: +)(\d+)( \| +)(\d+)", lambda m: _timed(bench, m), text)
    asks = Asks(Lines(text))
    rows = {i: (int(m[1]), m[2]) for i, line in enumerate(asks.lines.lines)
            if (m := re.match(r"import time: +(\d+) \| +\d+ \| +(\S+)", line))}  # fmt: skip
    top = max(rows, key=lambda i: rows[i][0], default=0)
    for _ in range(3):
        asks.add(say(rng, _SLOW), [top], plain=False)
    for i, (_, each) in rows.items():
        asks.add(say(rng, _TIME, name=each), [i], each)
        words = " ".join(words_of(each)[-2:])
        if " " in words and sum(words in " ".join(words_of(other)) for _, other in rows.values()) == 1:
            asks.add(say(rng, _SPOKEN, words=words), [i], each, plain=False)
    call = {"command": f"python -X importtime -c 'import {name}'"}
    return Output("build", "bash", call, text, name.partition(".")[0], asks.found)


def _timed(bench: Bench, found: re.Match[str]) -> str:
    """Times drawn anew, since they differ from run to run."""
    own = int(bench.rng.lognormvariate(5.5, 1.3)) + 20
    whole = own + bench.rng.randrange(4000)
    return f"{found[1]}{own:>{len(found[2])}}{found[3]}{whole:>{len(found[4])}}"


_OPTION = ("What does {name} do?", "Is there a flag {name}?", "Meaning of `{name}`?", "May I pass {name}?")
_FLAG_TOLD = (
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


def helps(bench: Bench) -> Iterator[Output]:
    """One command's help after another."""
    seen = list(_COMMANDS)
    while True:
        command = bench.rng.choice(seen)
        parts = command.split()
        local = Path(PYTHON).with_name(parts[0])
        parts[0] = str(local) if local.exists() else shutil.which(parts[0]) or ""
        text = bench.run(parts, bench.folder) if parts[0] else ""
        asks = Asks(Lines(text), most=8)
        if len(asks.lines) < 15 or "Traceback" in text:
            seen.remove(command)
            continue
        _options(bench, asks)
        package = {"python": "stdlib", "git": "git"}.get(command.split()[0], command.split()[0])
        yield Output("help", "bash", {"command": command}, text, package, asks.found)


def _options(bench: Bench, asks: Asks) -> None:
    rng, lines = bench.rng, [re.sub(r"[│╭╰]", " ", line).rstrip() for line in asks.lines.lines]
    starts = [i for i, line in enumerate(lines) if re.match(r"\s{1,10}\*?\s*-{1,2}[A-Za-z]", line)]
    for at, i in enumerate(starts):
        deep = len(lines[i]) - len(lines[i].lstrip())
        end = i + 1
        limit = starts[at + 1] if at + 1 < len(starts) else len(lines)
        while end < limit and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > deep:
            end += 1
        name = re.search(r"--[\w-]+|-\w", lines[i])
        block = " ".join(line.strip() for line in lines[i:end])
        laid = "  ".join(line.strip() for line in lines[i:end])
        told = re.split(r"\s{2,}", laid, maxsplit=1)
        if name:
            asks.add(say(rng, _OPTION, name=name[0]), range(i, end), name[0])
        doc = re.split(r"(?<=[a-z)])[.;](?:\s|$)", re.sub(r"\s+", " ", told[1]))[0] if len(told) > 1 else ""
        if tellable(doc) and doc in re.sub(r"\s+", " ", block):
            for _ in range(2):
                asks.add(
                    say(rng, _FLAG_TOLD, doc=loosely(rng, doc)), range(i, end), name[0] if name else None, plain=False
                )
