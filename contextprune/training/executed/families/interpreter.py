"""Views into the interpreter: `dis`, `ast`, `cProfile`; goals name a line, a call, or the costliest function."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from contextprune.training.executed.facts import FACTS, fill
from contextprune.training.executed.material import Symbol
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword
from contextprune.training.executed.workbench import PYTHON, Workbench

_LINE = (
    "Which instructions belong to source line {line}?",
    "What is line {line} compiled to?",
    "Bytecode of line {line}?",
)
_USES = (
    "Where is `{name}` loaded?",
    "Does this code use {name}, and at which offset?",
    "Which instructions touch {name}?",
    "Find every access to {name}.",
)
_OPCODES = {
    "RAISE_VARARGS": ("Where does it throw?", "Which instruction raises?"),
    "RETURN_VALUE": ("Where can it leave the function?", "Which instructions hand back the result?"),
    "IMPORT_NAME": ("What does it import while it runs?", "Any imports inside?"),
    "FOR_ITER": ("Where are the loops?", "What does it iterate over, by instruction?"),
    "YIELD_VALUE": ("Where does the generator hand out a value?", "Is it a generator? Where does it pause?"),
    "BUILD_MAP": ("Where is a dictionary made?",),
    "BUILD_LIST": ("Where is a list made?",),
    "STORE_ATTR": ("Which attributes does it set?", "Where is the object's state changed?"),
    "LOAD_CLOSURE": ("Which variables are shared with an inner function?",),
}
_COST = (
    "Which function costs most time of its own?",
    "Where should I optimise first?",
    "What is the hot spot, not counting callees?",
)
_CALLS = (
    "What is called most often?",
    "Which function has the highest number of calls?",
)
_TOTALS = (
    "What is the slowest including everything it calls, below the entry points?",
    "How long did the whole run take?",
    "Total number of calls?",
)
_ENTRY = (
    "How often is {name} called?",
    "Cost of {name}?",
    "How much time goes into {name}, with its callees?",
    "Is {name} in the profile?",
)
_FILE = (
    "What share does {file} have?",
    "Only the functions of {file}.",
    "Which functions of {file} ran?",
)


def bytecode(bench: Workbench) -> Iterator[Output]:
    """Endless disassemblies, each of one function."""
    while True:
        package, name, module = bench.source(min_symbols=4, max_lines=2500)
        candidates = [s for s in module.symbols if not s.is_class and 6 < s.end - s.body < 70]
        if not candidates:
            continue

        symbol = bench.rng.choice(candidates)
        folder = bench.fresh_folder()
        lines = module.text.split("\n")[symbol.top : symbol.end + 1]
        indent = len(lines[0]) - len(lines[0].lstrip())
        bare = [line[indent:] for line in lines[symbol.line - symbol.top :]]
        (folder / "piece.py").write_text("\n".join(bare) + "\n")
        text = bench.run([PYTHON, "-m", "dis", "piece.py"], folder).replace("piece.py", name.rpartition("/")[2])
        if "Traceback" in text:
            continue
        goals = GoalCollector(Lines(text), max_lines=16)
        _instructions(bench, goals)
        call = {"command": f"python -m dis {name.rpartition('/')[2]}"}
        yield Output("dis", "bash", call, text, package.name, goals.collected)


def _instructions(bench: Workbench, goals: GoalCollector) -> None:
    rng, lines = bench.rng, goals.lines.lines
    by_line: dict[int, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    by_opcode: dict[str, list[int]] = {}
    line_number = 0

    # instructions by source line, by opcode and by the name that they load or store
    for i, line in enumerate(lines):
        match = re.match(r" {0,6}(\d+)? +(?:>> +)?(?:--> +)?(\d+) ([A-Z_]+)(?: +\d+)?(?: +\((.*)\))?", line)
        if not match:
            line_number = line_number if line.strip() else 0
            continue
        line_number = int(match[1]) if match[1] and len(line) - len(line.lstrip()) < 5 else line_number
        by_line.setdefault(line_number, []).append(i)
        by_opcode.setdefault(match[3], []).append(i)
        if (
            match[4]
            and match[3].startswith(("LOAD_", "STORE_", "IMPORT_"))
            and (name_match := re.match(r"(?:NULL \+ )?([A-Za-z_]\w{2,})$", match[4]))
        ):
            by_name.setdefault(name_match[1], []).append(i)

    _goals_by_opcode(bench, goals, by_opcode)
    for number, rows in by_line.items():
        if number and rows == list(range(rows[0], rows[-1] + 1)):
            goals.add(phrase(rng, _LINE, line=number), rows)
    for name, rows in by_name.items():
        goals.add(phrase(rng, _USES, name=name), rows, name)


def _goals_by_opcode(bench: Workbench, goals: GoalCollector, by_opcode: dict[str, list[int]]) -> None:
    """Add goals by what instructions do; where an opcode is absent, its goal is unanswerable."""
    rng = bench.rng
    for opcode, templates in _OPCODES.items():
        for template in templates:
            if opcode in by_opcode:
                goals.add(phrase(rng, (template,)), by_opcode[opcode], plain=False)
            elif opcode in {"RAISE_VARARGS", "IMPORT_NAME", "FOR_ITER", "YIELD_VALUE", "STORE_ATTR"}:
                goals.add_unanswerable(phrase(rng, (template,)))


_PROFILED = '''"""Work under a profiler whose clock counts its own readings."""
import cProfile, itertools, pstats, sys
{imports}

ticks = itertools.count()


def work():
    for _ in range({rounds}):
        {calls}


profile = cProfile.Profile(lambda: next(ticks), 0.0000137)
profile.runcall(work)
pstats.Stats(profile, stream=sys.stdout).{paths}sort_stats("{order}").print_stats({limit})
'''


def profiles(bench: Workbench) -> Iterator[Output]:
    """Endless profiles; the clock is a counter, so that a run can be repeated exactly."""
    rng = bench.rng
    while True:
        facts = [fill(rng, drawn) for drawn in rng.sample(FACTS, rng.choice((1, 2, 4, 7)))]
        names = "\n".join(sorted({f"import {name}" for fact in facts for name in fact.imports}))
        order = rng.choice(("cumulative", "tottime", "ncalls", "name", "filename"))
        program = _PROFILED.format(
            imports=names, rounds=rng.randrange(1, 40), calls="; ".join(fact.good for fact in facts), order=order,
            limit=rng.choice((30, 60, 100, 150, 300)), paths=rng.choice(("strip_dirs().", "strip_dirs().", "")),
        )  # fmt: skip

        folder = bench.fresh_folder()
        (folder / "work.py").write_text(program)
        text = bench.run([PYTHON, "work.py"], folder)
        goals = GoalCollector(Lines(text))
        _costs(bench, goals)
        call = {"command": f"python -m cProfile -s {order} work.py"}
        yield Output("profile", "bash", call, text, facts[0].fact.package, goals.collected)


def _costs(bench: Workbench, goals: GoalCollector) -> None:
    rng, lines = bench.rng, goals.lines.lines
    head = [i for i, line in enumerate(lines) if line.strip().startswith("ncalls")]
    rows: dict[int, tuple[int, float, float, str]] = {}
    for i, line in enumerate(lines):
        if match := re.match(r"\s*(\d+)(?:/\d+)?\s+([\d.]+)\s+[\d.]+\s+([\d.]+)\s+[\d.]+\s+(.+)$", line):
            rows[i] = (int(match[1]), float(match[2]), float(match[3]), match[4])
    if len(rows) < 8:
        return

    _goals_by_entry(bench, goals, head, {i: row[3] for i, row in rows.items()})
    for templates, column in ((_COST, 1), (_CALLS, 0)):
        best = max(row[column] for row in rows.values())
        top = [i for i, row in rows.items() if row[column] == best]
        if len(top) == 1:
            for _ in range(2):
                goals.add(phrase(rng, templates), [*head, *top], plain=False)
    goals.add(phrase(rng, _TOTALS[1:]), goals.lines.matching("function calls"), plain=False)


def _goals_by_entry(bench: Workbench, goals: GoalCollector, head: list[int], entries: dict[int, str]) -> None:
    """Add goals for one function, and for the functions of one file."""
    rng = bench.rng
    names = Counter(name for entry in entries.values() if (name := _function_name(entry)))
    files: dict[str, list[int]] = {}
    for i, entry in entries.items():
        name = _function_name(entry)
        if name and names[name] == 1 and not name.startswith("<"):
            goals.add(phrase(rng, _ENTRY, name=name), [*head, i], name)
        if match := re.search(r"([\w.]+\.py):\d+", entry):
            files.setdefault(match[1], []).append(i)
    for file, picked in files.items():
        goals.add(phrase(rng, _FILE, file=file), [*head, *picked], file)


def _function_name(entry: str) -> str:
    match = re.search(r"\(([\w<>]+)\)$|method '(\w+)'|method [\w.]*?(\w+)\}", entry)
    return next((part for part in match.groups() if part), "") if match else ""


def trees(bench: Workbench) -> Iterator[Output]:
    """Endless syntax trees of one to four functions."""
    rng = bench.rng
    while True:
        package, name, module = bench.source(min_symbols=4, max_lines=2500)
        candidates = [s for s in module.symbols if not s.owner and s.end - s.top < 40]
        if not candidates:
            continue

        picked = sorted(rng.sample(candidates, min(len(candidates), rng.choice((1, 2, 4)))), key=lambda s: s.top)
        folder = bench.fresh_folder()
        source = module.text.split("\n")
        (folder / "piece.py").write_text("\n\n".join("\n".join(source[s.top : s.end + 1]) for s in picked) + "\n")
        text = bench.run([PYTHON, "-m", "ast", "-i", "2", "piece.py"], folder)
        goals = GoalCollector(Lines(text), max_lines=10)
        _nodes(bench, goals, picked)
        call = {"command": f"python -m ast -i 2 {name.rpartition('/')[2]}"}
        yield Output("ast", "bash", call, text, package.name, goals.collected)


def _nodes(bench: Workbench, goals: GoalCollector, picked: list[Symbol]) -> None:
    rng = bench.rng
    for symbol in picked:
        rows = list(goals.lines.matching(rf"name='{symbol.name}',$"))
        if len(rows) == 1:
            by_name = (
                "Where does {name} begin in the tree?",
                "Which node defines {name}?",
                "Find the node of {name}.",
            )
            goals.add(phrase(rng, by_name, name=symbol.name), [rows[0] - 1, rows[0]], symbol.name)
            if is_descriptive(symbol.doc):
                goal = phrase(rng, ("Which node is the definition of this: {doc}?",), doc=reword(rng, symbol.doc))
                goals.add(goal, [rows[0] - 1, rows[0]], symbol.name, plain=False)

    for node, templates in _NODES.items():
        rows = list(goals.lines.matching(rf"\b{node}\("))
        for template in templates:
            if rows:
                goals.add(phrase(rng, (template,)), rows, plain=False)
            else:
                goals.add_unanswerable(phrase(rng, (template,)))

    for argument in sorted(
        {match[1] for line in goals.lines.lines if (match := re.search(r"arg\(arg='(\w{3,})'", line))}
    ):
        goals.add(phrase(rng, ("Is {name} a parameter?", "How is the parameter {name} annotated?"), name=argument),
                 [k for i in goals.lines.matching(rf"arg='{argument}'") for k in (i, i + 1)], argument)  # fmt: skip


_NODES = {
    "Raise": ("Where is an exception thrown?", "Which nodes are error exits?"),
    "Return": ("Where does a result leave a function?",),
    "For": ("Where are the loops over something?",),
    "Try": ("Is any failure caught? Where does the guarded part begin?",),
    "Lambda": ("Any anonymous functions?",),
    "With": ("Where are resources opened that close by themselves?",),
    "ListComp": ("Where is a list built in one expression?",),
    "Subscript": ("Which parts look something up by square brackets?",),
    "Import": ("Are there imports inside the functions?",),
    "JoinedStr": ("Where are formatted texts put together?",),
    "Global": ("Does it write to module variables?",),
}
