"""`python -m pydoc` over modules of the standard library and light packages; goals point at one entry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import act, loosely, say, spoken, tellable
from contextprune.training.executed.workbench import PYTHON, Bench

_LIGHT_TEXT = (
    "json asyncio logging email http urllib collections concurrent importlib multiprocessing sqlite3 unittest "
    "rich click typer jinja2 requests urllib3 pygments packaging yaml tomlkit pluggy networkx anyio filelock h11 "
    "sortedcontainers mpmath joblib contextprune markdown_it stdlib xml html wsgiref zoneinfo idna cloudpickle "
    "fsspec"
)
_LIGHT = _LIGHT_TEXT.split()
_CALL = (
    "How do I call {name}?",
    "What does {name} take, and what does it do?",
    "Signature and meaning of `{name}`?",
    "Is {name} part of the public interface?",
    "doc for {name}",
)
_SPOKEN = (
    "Is there something in this module to {words}?",
    "What is the call for '{words}'?",
    'Something like "{words}" must exist here. How is it used?',
)
_TOLD = (
    "Which call would {doc}?",
    "I need something that will {doc}. How is it called?",
    "What do I use to {doc}?",
    "Does the module offer this: {doc}?",
    "Find the entry for: {doc}.",
)
_ENTRY = re.compile(r"^(?: \|  | {4})([A-Za-z]\w*)\([^)]*\).*$")


def pages(bench: Bench) -> Iterator[Output]:
    """One page after another."""
    rng = bench.rng
    known = [p for p in bench.packages if p.name in _LIGHT]
    seen: set[str] = set()
    while True:
        package = rng.choices(known, [len(p.modules) ** 0.5 for p in known])[0]
        names = [n for n in package.modules if not re.search(r"__main__|/_|antigravity|^this", n)]
        name = rng.choice(names or package.modules).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if name in seen and rng.random() < 0.9:
            continue
        seen.add(name)
        text = bench.run([PYTHON, "-W", "ignore", "-m", "pydoc", name], bench.folder)
        text = re.sub(r"\n+FILE\n.*", "", text)
        lines = Lines(text)
        if not 20 < len(lines) < 3000 or "Traceback" in text[:200]:
            continue
        asks = Asks(lines, most=10)
        _entries(bench, asks)
        if not asks.found:
            continue
        yield Output("pydoc", "bash", {"command": f"python -m pydoc {name}"}, text, package.name, asks.found)


def _entries(bench: Bench, asks: Asks) -> None:
    rng, lines = bench.rng, asks.lines.lines
    starts = {i: found[1] for i, line in enumerate(lines) if (found := _ENTRY.match(line))}
    names = list(starts.values())
    for i, name in starts.items():
        if names.count(name) > 1:
            continue
        doc, end = "", i + 1
        while end < len(lines) and end - i < 8 and (said := lines[end].lstrip(" |")) and end not in starts:
            doc = f"{doc} {said}".strip()
            end += 1
        first = re.split(r"(?<=[a-z)])\.(?:\s|$)", doc)[0]
        asks.add(say(rng, _CALL, name=name), range(i, end), name)
        if " " in spoken(name):
            asks.add(say(rng, _SPOKEN, words=spoken(name)), range(i, end), name, plain=False)
        if tellable(first):
            deed = act(first)
            for _ in range(2):
                goal = say(rng, _TOLD if deed else _TOLD[-2:], doc=loosely(rng, deed or first))
                asks.add(goal, range(i, end), name, plain=False)
