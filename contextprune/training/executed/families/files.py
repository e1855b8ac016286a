"""Files as agents read them: `cat -n`, `sed -n`, and a reading tool; goals point at functions, limits and constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from contextprune.training.executed.material import Module, Symbol
from contextprune.training.executed.output import Asks, Lines, Output
from contextprune.training.executed.phrases import loosely, say, spoken, tellable
from contextprune.training.executed.symbols import about, alone
from contextprune.training.executed.workbench import Bench

_BODY = (
    "How does {what} work inside?",
    "Explain {what} line by line.",
    "Is there a bug in {what}?",
    "Rewrite {what} without changing what it does.",
    "I need the whole of {what}.",
    "What does {what} do at an empty input?",
    "Port {what} to TypeScript.",
)
_RAISES = (
    "When does {what} raise {error}?",
    "Under which condition do we get a {error} from {what}?",
    "{what} blew up with {error}; which check is that?",
    "What input makes {what} fail?",
    "Which complaint does {what} make about bad input, and when?",
)
_DEFAULT = (
    "What is the default of `{argument}` in {what}?",
    "If I leave out {argument} when calling {what}, what happens?",
    "Is {argument} mandatory for {what}?",
    "Which arguments does {what} take?",
    "I want to call {what}: what do I pass?",
    "Signature of {what}?",
)
_GIVES = (
    "What does {what} give back?",
    "Which values can {what} return?",
    "What is the result type of {what}, judging by its code?",
    "What do callers of {what} receive?",
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


def views(bench: Bench) -> Iterator[Output]:
    """One file after another, read in one of the usual ways."""
    rng = bench.rng
    while True:
        package, name, found = bench.source(least=3, most=1500)
        way = rng.choice(("cat -n", "cat -n", "cat", "nl", "read_file", "view"))
        if way in {"read_file", "view"}:
            text = found.text.rstrip("\n")
            call = {"path": f"{bench.home()}/{name}"} if way == "view" else {"file_path": name}
            if way == "read_file":
                text = "\n".join(f"{i:6d}\u2192{line}" for i, line in enumerate(text.split("\n"), 1))
            tool, crop = way, "view"
        else:
            command = ["nl", "-ba"] if way == "nl" else way.split()
            text = bench.run([*command, name], package.home)
            tool, crop, call = "bash", "pipe", {"command": f"{' '.join(command)} {name}"}
        asks = Asks(Lines(text), most=30)
        if len(asks.lines) < found.text.count("\n") - 3:
            continue
        _symbols(bench, found, asks)
        _top(bench, found, asks)
        yield Output("file_view", tool, call, text, package.name, asks.found, crop)


def _symbols(bench: Bench, found: Module, asks: Asks) -> None:
    rng = bench.rng
    for _, symbol in alone([(s.line, s) for s in found.symbols]):
        head = range(symbol.top, symbol.head + 1)
        brief = range(symbol.line, min(symbol.body, symbol.head + 4) if symbol.doc else symbol.head + 1)
        for goal, plain in about(rng, symbol):
            asks.add(goal, head if plain else brief, symbol.name, plain=plain)
        if isinstance(symbol.node, ast.ClassDef) or symbol.name.startswith("__"):
            continue
        what, plain = _what(bench, symbol)
        if symbol.end - symbol.top < 30:
            asks.add(say(rng, _BODY, what=what), range(symbol.top, symbol.end + 1), symbol.name, plain=plain)
        arguments = [a.arg for a in symbol.node.args.args + symbol.node.args.kwonlyargs if a.arg not in {"self", "cls"}]
        if arguments:
            goal = say(rng, _DEFAULT, what=what, argument=rng.choice(arguments))
            asks.add(goal, range(symbol.line, symbol.head + 1), symbol.name, plain=plain)
        _inside(bench, symbol, asks)


def _what(bench: Bench, symbol: Symbol) -> tuple[str, bool]:
    if tellable(symbol.doc) and bench.rng.random() < 0.4:
        return f'the function whose purpose is "{loosely(bench.rng, symbol.doc)}"', False
    words = spoken(symbol.name)
    if " " in words and words != symbol.name and bench.rng.random() < 0.3:
        return f'the "{words}" function', False
    return f"`{symbol.called}`", True


def _inside(bench: Bench, symbol: Symbol, asks: Asks) -> None:
    """What a function raises, with the conditions around it; and what it returns."""
    rng, head = bench.rng, range(symbol.line, symbol.head + 1)
    raises, returns, error = set(head), set(head), ""
    for node in _own(symbol.node):
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
        what, plain = _what(bench, symbol)
        asks.add(say(rng, _RAISES, what=what, error=error), raises, symbol.name, plain=plain)
    if len(returns) > len(head) and len(returns) < 14:
        what, plain = _what(bench, symbol)
        asks.add(say(rng, _GIVES, what=what), returns, symbol.name, plain=plain)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _own(child)


def _top(bench: Bench, found: Module, asks: Asks) -> None:
    """Constants and imports."""
    rng = bench.rng
    for node in found.tree.body:
        rows = range(node.lineno - 1, node.end_lineno or node.lineno)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(rows) < 14:
            name = node.targets[0].id
            words = spoken(name)
            goal = say(rng, _CONSTANT if " " in words else _CONSTANT[:2], name=name, words=words)
            asks.add(goal, rows, name, plain=name in goal)
        if isinstance(node, ast.Import | ast.ImportFrom) and len(rows) < 10 and rng.random() < 0.3:
            name = rng.choice(node.names).asname or node.names[0].name
            name = next((a.asname or a.name for a in node.names if (a.asname or a.name) == name), node.names[0].name)
            asks.add(say(rng, _IMPORT, name=name), rows, name)
