"""Views into the interpreter: `dis`, `ast`, `cProfile`; goals name a line, a call, or the costliest function."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from contextprune.training.executed.facts import FACTS, filled
from contextprune.training.executed.material import Symbol
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import loosely, say, tellable
from contextprune.training.executed.workbench import PYTHON, Bench

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
_WAYS = {
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
_WHOLE = (
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


def bytecode(bench: Bench) -> Iterator[Output]:
    """One function after another, taken apart."""
    while True:
        package, name, found = bench.source(least=4, most=2500)
        fit = [s for s in found.symbols if not s.is_class and 6 < s.end - s.body < 70]
        if not fit:
            continue
        symbol = bench.rng.choice(fit)
        place = bench.place()
        lines = found.text.split("\n")[symbol.top : symbol.end + 1]
        indent = len(lines[0]) - len(lines[0].lstrip())
        bare = [line[indent:] for line in lines[symbol.line - symbol.top :]]
        (place / "piece.py").write_text("\n".join(bare) + "\n")
        text = bench.run([PYTHON, "-m", "dis", "piece.py"], place).replace("piece.py", name.rpartition("/")[2])
        if "Traceback" in text:
            continue
        asks = Asks(Lines(text), most=16)
        _instructions(bench, asks)
        call = {"command": f"python -m dis {name.rpartition('/')[2]}"}
        yield Output("dis", "bash", call, text, package.name, asks.found)


def _instructions(bench: Bench, asks: Asks) -> None:
    rng, lines = bench.rng, asks.lines.lines
    of_line: dict[int, list[int]] = {}
    of_name: dict[str, list[int]] = {}
    of_way: dict[str, list[int]] = {}
    at = 0
    for i, line in enumerate(lines):
        found = re.match(r" {0,6}(\d+)? +(?:>> +)?(?:--> +)?(\d+) ([A-Z_]+)(?: +\d+)?(?: +\((.*)\))?", line)
        if not found:
            at = at if line.strip() else 0
            continue
        at = int(found[1]) if found[1] and len(line) - len(line.lstrip()) < 5 else at
        of_line.setdefault(at, []).append(i)
        of_way.setdefault(found[3], []).append(i)
        if (
            found[4]
            and found[3].startswith(("LOAD_", "STORE_", "IMPORT_"))
            and (name := re.match(r"(?:NULL \+ )?([A-Za-z_]\w{2,})$", found[4]))
        ):
            of_name.setdefault(name[1], []).append(i)
    _by_way(bench, asks, of_way)
    for number, rows in of_line.items():
        if number and rows == list(range(rows[0], rows[-1] + 1)):
            asks.add(say(rng, _LINE, line=number), rows)
    for name_, rows in of_name.items():
        asks.add(say(rng, _USES, name=name_), rows, name_)


def _by_way(bench: Bench, asks: Asks, of_way: dict[str, list[int]]) -> None:
    """Goals by what instructions do; of some ways there may be none."""
    rng = bench.rng
    for way, templates in _WAYS.items():
        for template in templates:
            if way in of_way:
                asks.add(say(rng, (template,)), of_way[way], plain=False)
            elif way in {"RAISE_VARARGS", "IMPORT_NAME", "FOR_ITER", "YIELD_VALUE", "STORE_ATTR"}:
                asks.nothing(say(rng, (template,)))


_PROFILED = '''"""Work under a profiler whose clock counts its own readings."""
import cProfile, itertools, pstats, sys
{imports}

ticks = itertools.count()


def work():
    for _ in range({rounds}):
        {calls}


profile = cProfile.Profile(lambda: next(ticks), 0.0000137)
profile.runcall(work)
pstats.Stats(profile, stream=sys.stdout).{paths}sort_stats("{order}").print_stats({most})
'''


def profiles(bench: Bench) -> Iterator[Output]:
    """One profile after another; the clock is a counter, so that a run can be repeated exactly."""
    rng = bench.rng
    while True:
        made = [filled(rng, fact) for fact in rng.sample(FACTS, rng.choice((1, 2, 4, 7)))]
        names = "\n".join(sorted({f"import {name}" for m in made for name in m.imports}))
        order = rng.choice(("cumulative", "tottime", "ncalls", "name", "filename"))
        program = _PROFILED.format(
            imports=names, rounds=rng.randrange(1, 40), calls="; ".join(m.good for m in made), order=order,
            most=rng.choice((30, 60, 100, 150, 300)), paths=rng.choice(("strip_dirs().", "strip_dirs().", "")),
        )  # fmt: skip
        place = bench.place()
        (place / "work.py").write_text(program)
        text = bench.run([PYTHON, "work.py"], place)
        asks = Asks(Lines(text))
        _costs(bench, asks)
        call = {"command": f"python -m cProfile -s {order} work.py"}
        yield Output("profile", "bash", call, text, made[0].fact.package, asks.found)


def _costs(bench: Bench, asks: Asks) -> None:
    rng, lines = bench.rng, asks.lines.lines
    head = [i for i, line in enumerate(lines) if line.strip().startswith("ncalls")]
    rows: dict[int, tuple[int, float, float, str]] = {}
    for i, line in enumerate(lines):
        if found := re.match(r"\s*(\d+)(?:/\d+)?\s+([\d.]+)\s+[\d.]+\s+([\d.]+)\s+[\d.]+\s+(.+)$", line):
            rows[i] = (int(found[1]), float(found[2]), float(found[3]), found[4])
    if len(rows) < 8:
        return
    _by_entry(bench, asks, head, {i: row[3] for i, row in rows.items()})
    for templates, column in ((_COST, 1), (_CALLS, 0)):
        best = max(row[column] for row in rows.values())
        top = [i for i, row in rows.items() if row[column] == best]
        if len(top) == 1:
            for _ in range(2):
                asks.add(say(rng, templates), [*head, *top], plain=False)
    asks.add(say(rng, _WHOLE[1:]), asks.lines.having("function calls"), plain=False)


def _by_entry(bench: Bench, asks: Asks, head: list[int], places: dict[int, str]) -> None:
    """Goals for one function, and for the functions of one file."""
    rng = bench.rng
    names = Counter(name for place in places.values() if (name := _name(place)))
    files: dict[str, list[int]] = {}
    for i, place in places.items():
        name = _name(place)
        if name and names[name] == 1 and not name.startswith("<"):
            asks.add(say(rng, _ENTRY, name=name), [*head, i], name)
        if found := re.search(r"([\w.]+\.py):\d+", place):
            files.setdefault(found[1], []).append(i)
    for file, picked in files.items():
        asks.add(say(rng, _FILE, file=file), [*head, *picked], file)


def _name(place: str) -> str:
    found = re.search(r"\(([\w<>]+)\)$|method '(\w+)'|method [\w.]*?(\w+)\}", place)
    return next((part for part in found.groups() if part), "") if found else ""


def trees(bench: Bench) -> Iterator[Output]:
    """One function after another as a syntax tree."""
    rng = bench.rng
    while True:
        package, name, found = bench.source(least=4, most=2500)
        fit = [s for s in found.symbols if not s.owner and s.end - s.top < 40]
        if not fit:
            continue
        picked = sorted(rng.sample(fit, min(len(fit), rng.choice((1, 2, 4)))), key=lambda s: s.top)
        place = bench.place()
        source = found.text.split("\n")
        (place / "piece.py").write_text("\n\n".join("\n".join(source[s.top : s.end + 1]) for s in picked) + "\n")
        text = bench.run([PYTHON, "-m", "ast", "-i", "2", "piece.py"], place)
        asks = Asks(Lines(text), most=10)
        _nodes(bench, asks, picked)
        call = {"command": f"python -m ast -i 2 {name.rpartition('/')[2]}"}
        yield Output("ast", "bash", call, text, package.name, asks.found)


def _nodes(bench: Bench, asks: Asks, picked: list[Symbol]) -> None:
    rng = bench.rng
    for s in picked:
        rows = list(asks.lines.having(rf"name='{s.name}',$"))
        if len(rows) == 1:
            wanted = ("Where does {name} begin in the tree?", "Which node defines {name}?", "Find the node of {name}.")
            asks.add(say(rng, wanted, name=s.name), [rows[0] - 1, rows[0]], s.name)
            if tellable(s.doc):
                goal = say(rng, ("Which node is the definition of this: {doc}?",), doc=loosely(rng, s.doc))
                asks.add(goal, [rows[0] - 1, rows[0]], s.name, plain=False)
    for node, goals in _NODES.items():
        rows = list(asks.lines.having(rf"\b{node}\("))
        for goal in goals:
            if rows:
                asks.add(say(rng, (goal,)), rows, plain=False)
            else:
                asks.nothing(say(rng, (goal,)))
    for found in sorted({m[1] for line in asks.lines.lines if (m := re.search(r"arg\(arg='(\w{3,})'", line))}):
        asks.add(say(rng, ("Is {name} a parameter?", "How is the parameter {name} annotated?"), name=found),
                 [k for i in asks.lines.having(rf"arg='{found}'") for k in (i, i + 1)], found)  # fmt: skip


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
