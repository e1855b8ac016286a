"""`python -m pydoc` over modules of the standard library and light packages; goals point at one entry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import infinitive, is_descriptive, phrase, reword, spell_out
from contextprune.training.executed.workbench import PYTHON, Workbench

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
_DESCRIBED = (
    "Which call would {doc}?",
    "I need something that will {doc}. How is it called?",
    "What do I use to {doc}?",
    "Does the module offer this: {doc}?",
    "Find the entry for: {doc}.",
)
_ENTRY = re.compile(r"^(?: \|  | {4})([A-Za-z]\w*)\([^)]*\).*$")


def pages(bench: Workbench) -> Iterator[Output]:
    """Endless pages of pydoc; a module is seldom shown twice."""
    rng = bench.rng
    packages = [p for p in bench.packages if p.name in _LIGHT]
    shown: set[str] = set()
    while True:
        package = rng.choices(packages, [len(p.modules) ** 0.5 for p in packages])[0]
        names = [n for n in package.modules if not re.search(r"__main__|/_|antigravity|^this", n)]
        name = rng.choice(names or package.modules).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        if name in shown and rng.random() < 0.9:
            continue
        shown.add(name)

        text = bench.run([PYTHON, "-W", "ignore", "-m", "pydoc", name], bench.folder)
        text = re.sub(r"\n+FILE\n.*", "", text)
        lines = Lines(text)
        if not 20 < len(lines) < 3000 or "Traceback" in text[:200]:
            continue

        goals = GoalCollector(lines, max_lines=10)
        _entries(bench, goals)
        if not goals.collected:
            continue
        yield Output("pydoc", "bash", {"command": f"python -m pydoc {name}"}, text, package.name, goals.collected)


def _entries(bench: Workbench, goals: GoalCollector) -> None:
    rng, lines = bench.rng, goals.lines.lines
    starts = {i: match[1] for i, line in enumerate(lines) if (match := _ENTRY.match(line))}
    names = list(starts.values())
    for i, name in starts.items():
        if names.count(name) > 1:
            continue
        doc, end = "", i + 1
        while end < len(lines) and end - i < 8 and (line_text := lines[end].lstrip(" |")) and end not in starts:
            doc = f"{doc} {line_text}".strip()
            end += 1
        summary = re.split(r"(?<=[a-z)])\.(?:\s|$)", doc)[0]
        goals.add(phrase(rng, _CALL, name=name), range(i, end), name)
        if " " in spell_out(name):
            goals.add(phrase(rng, _SPOKEN, words=spell_out(name)), range(i, end), name, plain=False)
        if is_descriptive(summary):
            action = infinitive(summary)
            for _ in range(2):
                goal = phrase(rng, _DESCRIBED if action else _DESCRIBED[-2:], doc=reword(rng, action or summary))
                goals.add(goal, range(i, end), name, plain=False)
