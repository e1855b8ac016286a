"""Listings of folders and tables of sizes: `ls`, `find`, `du`, `wc`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from contextprune.training.executed.material import Package, parse_module
from contextprune.training.executed.output import Goal, GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword, words_of
from contextprune.training.executed.workbench import Workbench

_NAMED = (
    "How large is {name}?",
    "Does {name} exist here, and how big is it?",
    "Check that {name} was installed.",
    "{name}?",
    "What do the numbers say about `{name}`?",
)
_HINTED = (
    "Is there a file about {words}?",
    "Which file would hold the code for {words}?",
    "I'm looking for the {words} code.",
    "Where would {words} live?",
)
_DESCRIBED = (
    "Which file implements this: {doc}?",
    "In which of these files do I find the code for the following: {doc}",
    'I\'d like to open the source file described as "{doc}".',
    "Guess the right file for a bug in this area: {doc}.",
)
_HOLDS = (
    "Which of these files will contain the class {name}?",
    "Which file should I open to see {name}?",
    "{name} is defined in one of these; which?",
)
_LARGEST = (
    "What is the biggest file?",
    "Which file should be split up first because of its size?",
    "Which single entry takes the most space?",
    "Where did all the bytes go?",
)
_SMALLEST = ("What is the smallest file?", "Which file is nearly empty?", "Which entry has the least in it?")
_TYPE = (
    "Which files are not Python? I mean the {ext} ones.",
    "List the {ext} files.",
    "Do we ship any {ext} files?",
    "Anything with the ending {ext} here?",
)
_FOLDER = (
    "What is in the {folder} folder?",
    "Only the files under {folder}, please.",
    "Which of them belong to {folder}?",
)
_TOTAL = ("How much is it altogether?", "What is the sum over everything?", "The total?")


def listings(bench: Workbench) -> Iterator[Output]:
    """Endless listings of packages and their folders."""
    while True:
        package = bench.package(min_files=12)
        folder = _folder(bench, package)
        files = [f for f in package.files if f.startswith(folder + "/")]
        if not 14 < len(files) < 3000 or package.name == "stdlib":
            continue

        kind, command = _command(bench, folder, package)
        text = bench.run(["sh", "-c", command], package.home)
        text = re.sub(r"(?m)^(\S{10} +\d+) \S+ +\S+ ", r"\1 dev dev ", text)
        lines = Lines(text)
        if 12 < len(lines) < 3000:
            yield Output(
                kind, "bash", {"command": command}, text, package.name, _collect_goals(bench, package, lines, command)
            )


def _folder(bench: Workbench, package: Package) -> str:
    counts = Counter(f.rpartition("/")[0] for f in package.files if "/" in f)
    folders = [package.name, *sorted(counts)]
    return bench.rng.choices(folders, [20 + counts[folder] for folder in folders])[0]


def _command(bench: Workbench, folder: str, package: Package) -> tuple[str, str]:
    rng = bench.rng
    deep = any(f.startswith(folder + "/") and f.count("/") > folder.count("/") + 1 for f in package.files)
    commands = [
        ("listing", f"ls -l {folder}"),
        ("listing", f"ls -lh {folder}"),
        ("listing", f"ls -lS {folder}"),
        ("listing", f"find {folder} -type f -not -name '*.pyc' | sort"),
        ("sizes", f"find {folder} -type f -not -name '*.pyc' -printf '%s %p\\n' | sort -k2"),
        ("sizes", f"find {folder} -name '*.py' | sort | xargs wc -l"),
        ("sizes", f"find {folder} -name '*.py' | sort | xargs wc"),
        ("sizes", f"find {folder} -name '*.py' -size +4k | sort | xargs du -b"),
    ]
    return rng.choice(commands[3:] if deep else commands)


def _collect_goals(bench: Workbench, package: Package, lines: Lines, command: str) -> list[Goal]:
    rng, goals = bench.rng, GoalCollector(lines, max_lines=12)
    rows = {i: words for i, line in enumerate(lines.lines) if (words := line.split()[-1:]) and words[0] != "total"}
    folder = command.rsplit(maxsplit=1)[-1] if command.startswith("ls") else ""
    names = {i: Path(row[0]).name for i, row in rows.items() if "." in row[0]}

    counts = Counter(names.values())
    for i, name in names.items():
        if counts[name] == 1:
            _of_file(bench, package, goals, i, f"{folder}/{rows[i][0]}".lstrip("/"))

    _ranked(bench, goals, command)

    for ext, _ in Counter(Path(name).suffix for name in names.values()).most_common()[1:]:
        if ext:
            goals.add(phrase(rng, _TYPE, ext=ext), [k for k, n in names.items() if n.endswith(ext)], ext)
    for ext in (".sql", ".cfg", ".exe", ".lock"):
        if not any(name.endswith(ext) for name in names.values()):
            goals.add_unanswerable(phrase(rng, _TYPE, ext=ext))

    for subfolder in sorted({row[0].rpartition("/")[0] for row in rows.values()}):
        if subfolder:
            within = [k for k, row in rows.items() if row[0].rpartition("/")[0] == subfolder]
            goals.add(phrase(rng, _FOLDER, folder=subfolder), within, subfolder)

    last = len(lines) - 1
    if " wc" in command and lines.lines[last].endswith("total"):
        goals.add(phrase(rng, _TOTAL), [last], plain=False)
    return goals.collected


def _of_file(bench: Workbench, package: Package, goals: GoalCollector, row: int, path: str) -> None:
    rng, name = bench.rng, Path(path).name
    goals.add(phrase(rng, _NAMED, name=name), [row], name)
    words = " ".join(words_of(name.partition(".")[0]))
    if " " in words:
        goals.add(phrase(rng, _HINTED, words=words), [row], name, plain=False)
    module = parse_module(package.home / path) if name.endswith(".py") and (package.home / path).exists() else None
    if module and is_descriptive(module.doc):
        goals.add(phrase(rng, _DESCRIBED, doc=reword(rng, module.doc)), [row], name, plain=False)
    classes = [s.name for s in module.symbols if s.is_class and not s.name.startswith("_")] if module else []
    if classes:
        goals.add(phrase(rng, _HOLDS, name=rng.choice(classes)), [row], name, plain=False)


def _ranked(bench: Workbench, goals: GoalCollector, command: str) -> None:
    """Add goals for the largest and the smallest entry, where sizes are shown as plain numbers."""
    if "-lh" in command or (
        "wc" not in command and "%s" not in command and "du" not in command and "-l" not in command
    ):
        return
    column = 4 if command.startswith("ls") else 0
    sizes: Mapping[int, int] = {
        i: int(parts[column])
        for i, line in enumerate(goals.lines.lines)
        if len(parts := line.split()) > column and parts[column].isdigit() and parts[-1] != "total"
        and not line.startswith("d")
    }  # fmt: skip

    for templates, extreme in ((_LARGEST, max(sizes.values(), default=0)), (_SMALLEST, min(sizes.values(), default=0))):
        rows = [i for i, size in sizes.items() if size == extreme]
        if len(rows) == 1:
            for _ in range(2):
                goals.add(phrase(bench.rng, templates), rows, plain=False)
