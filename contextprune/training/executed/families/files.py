"""Files as agents read them: `cat -n`, `sed -n`, and a reading tool; goals point at functions, limits and constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from contextprune.training.executed.material import Module, Symbol
from contextprune.training.executed.output import GoalCollector, Lines, Output
from contextprune.training.executed.phrases import is_descriptive, phrase, reword, spell_out
from contextprune.training.executed.symbols import goals_about, unambiguous
from contextprune.training.executed.workbench import Workbench

_BODY = (
    "How does {subject} work inside?",
    "Explain {subject} line by line.",
    "Is there a bug in {subject}?",
    "Rewrite {subject} without changing what it does.",
    "I need the whole of {subject}.",
    "What does {subject} do at an empty input?",
    "Port {subject} to TypeScript.",
)
_RAISES = (
    "When does {subject} raise {error}?",
    "Under which condition do we get a {error} from {subject}?",
    "{subject} blew up with {error}; which check is that?",
    "What input makes {subject} fail?",
    "Which complaint does {subject} make about bad input, and when?",
)
_DEFAULT = (
    "What is the default of `{argument}` in {subject}?",
    "If I leave out {argument} when calling {subject}, what happens?",
    "Is {argument} mandatory for {subject}?",
    "Which arguments does {subject} take?",
    "I want to call {subject}: what do I pass?",
    "Signature of {subject}?",
)
_RETURNS = (
    "What does {subject} give back?",
    "Which values can {subject} return?",
    "What is the result type of {subject}, judging by its code?",
    "What do callers of {subject} receive?",
)
_CONSTANT = (
    "What value does {name} have?",
    "I want to raise {name}; what is it now?",
    "Where is the module-level {words} set?",
    "What is the hard-coded {words}?",
    "Which constant holds the {words}?",
)
_IMPORT = (
    "Where does {name} come from in this file?",
    "Which module provides {name} here?",
    "Is {name} imported or defined locally?",
    "{name} must be patched in a test; under which import?",
)


def views(bench: Workbench) -> Iterator[Output]:
    """Endless files, each read in one of the usual ways."""
    rng = bench.rng
    while True:
        package, name, module = bench.source(min_symbols=3, max_lines=1500)
        reader = rng.choice(("cat -n", "cat -n", "cat", "nl", "read_file", "view"))

        if reader in {"read_file", "view"}:
            text = module.text.rstrip("\n")
            call = {"path": f"{bench.home()}/{name}"} if reader == "view" else {"file_path": name}
            if reader == "read_file":
                text = "\n".join(f"{i:6d}\u2192{line}" for i, line in enumerate(text.split("\n"), 1))
            tool, crop = reader, "view"
        else:
            command = ["nl", "-ba"] if reader == "nl" else reader.split()
            text = bench.run([*command, name], package.home)
            tool, crop, call = "bash", "pipe", {"command": f"{' '.join(command)} {name}"}

        goals = GoalCollector(Lines(text), max_lines=30)
        if len(goals.lines) < module.text.count("\n") - 3:
            continue
        _symbols(bench, module, goals)
        _top(bench, module, goals)
        yield Output("file_view", tool, call, text, package.name, goals.collected, crop)


def _symbols(bench: Workbench, module: Module, goals: GoalCollector) -> None:
    rng = bench.rng
    for _, symbol in unambiguous([(s.line, s) for s in module.symbols]):
        head = range(symbol.top, symbol.head + 1)
        brief = range(symbol.line, min(symbol.body, symbol.head + 4) if symbol.doc else symbol.head + 1)
        for goal, plain in goals_about(rng, symbol):
            goals.add(goal, head if plain else brief, symbol.name, plain=plain)
        if isinstance(symbol.node, ast.ClassDef) or symbol.name.startswith("__"):
            continue

        subject, plain = _refer_to(bench, symbol)
        if symbol.end - symbol.top < 30:
            goals.add(phrase(rng, _BODY, subject=subject), range(symbol.top, symbol.end + 1), symbol.name, plain=plain)
        arguments = [a.arg for a in symbol.node.args.args + symbol.node.args.kwonlyargs if a.arg not in {"self", "cls"}]
        if arguments:
            goal = phrase(rng, _DEFAULT, subject=subject, argument=rng.choice(arguments))
            goals.add(goal, range(symbol.line, symbol.head + 1), symbol.name, plain=plain)
        _behaviour(bench, symbol, goals)


def _refer_to(bench: Workbench, symbol: Symbol) -> tuple[str, bool]:
    if is_descriptive(symbol.doc) and bench.rng.random() < 0.4:
        return f'the function whose purpose is "{reword(bench.rng, symbol.doc)}"', False
    words = spell_out(symbol.name)
    if " " in words and words != symbol.name and bench.rng.random() < 0.3:
        return f'the "{words}" function', False
    return f"`{symbol.qualified_name}`", True


def _behaviour(bench: Workbench, symbol: Symbol, goals: GoalCollector) -> None:
    """Add goals for the errors that a function raises, with the conditions around them, and for its return values."""
    rng, head = bench.rng, range(symbol.line, symbol.head + 1)
    raises, returns, error = set(head), set(head), ""
    for node in _walk_body(symbol.node):
        if isinstance(node, ast.If):
            for child in node.body:
                if isinstance(child, ast.Raise) and child.exc is not None:
                    raises |= set(range(node.lineno - 1, (node.test.end_lineno or node.lineno)))
        if isinstance(node, ast.Raise) and node.exc is not None:
            raises |= set(range(node.lineno - 1, node.end_lineno or node.lineno))
            error = ast.unparse(node.exc).split("(")[0]
        if isinstance(node, ast.Return) and node.value is not None:
            returns |= set(range(node.lineno - 1, node.end_lineno or node.lineno))

    if error:
        subject, plain = _refer_to(bench, symbol)
        goals.add(phrase(rng, _RAISES, subject=subject, error=error), raises, symbol.name, plain=plain)
    if len(returns) > len(head) and len(returns) < 14:
        subject, plain = _refer_to(bench, symbol)
        goals.add(phrase(rng, _RETURNS, subject=subject), returns, symbol.name, plain=plain)


def _walk_body(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _walk_body(child)


def _top(bench: Workbench, module: Module, goals: GoalCollector) -> None:
    """Add goals for constants and imports at the top of the file."""
    rng = bench.rng
    for node in module.tree.body:
        rows = range(node.lineno - 1, node.end_lineno or node.lineno)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(rows) < 14:
            name = node.targets[0].id
            words = spell_out(name)
            goal = phrase(rng, _CONSTANT if " " in words else _CONSTANT[:2], name=name, words=words)
            goals.add(goal, rows, name, plain=name in goal)
        if isinstance(node, ast.Import | ast.ImportFrom) and len(rows) < 10 and rng.random() < 0.3:
            name = rng.choice(node.names).asname or node.names[0].name
            name = next((a.asname or a.name for a in node.names if (a.asname or a.name) == name), node.names[0].name)
            goals.add(phrase(rng, _IMPORT, name=name), rows, name)
