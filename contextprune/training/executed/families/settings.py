"""Configuration files made from the real parameters of real classes; goals describe a setting by what it does."""

from __future__ import annotations

import ast
import configparser
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import yaml  # type: ignore[import-untyped]

from contextprune.training.executed.material import Module, Package, Symbol, module
from contextprune.training.executed.output import Asks, Lines, Output, length
from contextprune.training.executed.phrases import loosely, say, sentence_of, spoken, tellable
from contextprune.training.executed.workbench import Bench

_NAMED = (
    "What is {key} set to in {section}?",
    "Change {key} of {section}; what is it now?",
    "{section} {key}?",
    "I need the value of `{key}` under {section}.",
)
_SPOKEN = (
    "What did we choose for the {words} of the {section_words}?",
    "{section_words}: {words}?",
    "How is the {words} of the {section_words} configured?",
)
_TOLD = (
    "In the {section_words} part: what is the setting for {doc}?",
    "Which option of {section} decides this: {doc}?",
    "{section_words}: I want to change {doc}. Which line?",
    "Find the knob of {section} described as: {doc}.",
    "For {section}: {doc} - what did we pick?",
)
_SECTION = (
    "Show everything configured for {section_words}.",
    "All settings of {section}.",
    "Copy the {section_words} block to another host.",
)

Setting: TypeAlias = tuple[Any, str]


def settings(bench: Bench) -> Iterator[Output]:
    """One file after another: several classes' parameters with their defaults."""
    rng = bench.rng
    while True:
        want = length(rng)
        sections: dict[str, dict[str, Setting]] = {}
        package = bench.package(least=20)
        tries = 0
        while sum(len(found) + 2 for found in sections.values()) < want and tries < 60:
            tries += 1
            package, _, found = (
                bench.source(least=2) if not sections and tries % 5 == 0 else (package, "", _module(bench, package))
            )
            sections.update(_classes(found) if found else {})
        if sum(map(len, sections.values())) < 8:
            continue
        names = rng.sample(sorted(sections), min(len(sections), 40))
        kept = {name: sections[name] for name in names}
        suffix, text = _written(bench, {s: {k: v for k, (v, _) in keys.items()} for s, keys in kept.items()})
        asks = Asks(Lines(text), most=16)
        _asks(bench, asks, kept, suffix)
        path = f"{bench.home()}/{rng.choice(('config', 'settings', 'defaults', 'deploy', 'production'))}.{suffix}"
        tool, call = rng.choice((("bash", {"command": f"cat {path}"}), ("read_file", {"path": path})))
        crop = "pipe" if tool == "bash" else "view"
        yield Output("config", tool, call, text, package.name, asks.found, crop if suffix != "json" else None)


def _module(bench: Bench, package: Package) -> Module | None:
    names = package.modules
    return module(package.home / bench.rng.choice(names)) if names else None


def _classes(found: Module) -> dict[str, dict[str, Setting]]:
    """Parameters with a plain default, by class or function; with what the docstring says of each."""
    classes = {s.name: s for s in found.symbols if s.is_class}
    sections = {}
    for s in found.symbols:
        if s.is_class or (s.name.startswith("_") and s.name != "__init__"):
            continue
        keys = _parameters(s, classes.get(s.owner))
        if len(keys) > 2:
            sections[s.owner if s.name == "__init__" else s.called.replace(".", "_")] = keys
    return sections


def _parameters(symbol: Symbol, owner: Symbol | None) -> dict[str, Setting]:
    if isinstance(symbol.node, ast.ClassDef):
        return {}
    arguments = symbol.node.args
    pairs = list(zip(reversed(arguments.args), reversed(arguments.defaults), strict=False))[::-1]
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    doc = (ast.get_docstring(symbol.node) or "") + "\n" + ((ast.get_docstring(owner.node) or "") if owner else "")
    keys = {}
    for argument, default in pairs:
        if isinstance(default, ast.Constant) and isinstance(default.value, bool | int | float | str):
            keys[argument.arg] = (default.value, described(doc, argument.arg))
    return keys


def described(doc: str, name: str) -> str:
    """What a docstring in the style of NumPy, Google or Sphinx says of a parameter: its first sentence."""
    styles = (
        rf"\n[ \t]*{name} ?: [^\n]*\n[ \t]+(?=[A-Z])(.+?)(?:\n\s*\n|\n\S|\n[ \t]*\w+ ?: |\Z)",
        rf"\n[ \t]*{name} ?\([^\n]*?\):\s*(.+?)(?:\n\s*\n|\n\s*\w+ ?\(|\Z)",
        rf":param {name}:\s*(.+?)(?:\n\s*\n|\n\s*:|\Z)",
        rf"\n[ \t]*{name}: (.+?)(?:\n\s*\n|\n\s*\w+: |\Z)",
    )
    for style in styles:
        if found := re.search(style, doc, re.DOTALL):
            return sentence_of(found[1])
    return ""


def _written(bench: Bench, values: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """The file's ending and its text."""
    suffix = bench.rng.choice(("toml", "ini", "yaml", "yml", "env", "json", "properties"))
    if suffix in {"yaml", "yml"}:
        return suffix, yaml.safe_dump({s: dict(keys) for s, keys in values.items()}, sort_keys=False).rstrip("\n")
    if suffix == "json":
        return suffix, json.dumps(values, indent=2)
    if suffix == "ini":
        file, stream = configparser.RawConfigParser(), io.StringIO()
        file.optionxform = str  # type: ignore[assignment,method-assign]
        file.read_dict({s: {k: str(v).replace("\n", " ") for k, v in keys.items()} for s, keys in values.items()})
        file.write(stream)
        return suffix, stream.getvalue().rstrip("\n")
    if suffix == "toml":
        blocks = (
            f"[{s}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items()) for s, keys in values.items()
        )
        return suffix, "\n\n".join(blocks)
    joint = "_" if suffix == "env" else "."
    rows = (f"{s}{joint}{k}={v!s}".replace("\n", " ") for s, keys in values.items() for k, v in keys.items())
    return suffix, "\n".join(
        row if suffix != "env" else row.split("=")[0].upper() + "=" + row.split("=", 1)[1] for row in rows
    )


def _asks(bench: Bench, asks: Asks, sections: Mapping[str, Mapping[str, Setting]], suffix: str) -> None:
    rng = bench.rng
    flat = suffix in {"env", "properties"}
    for section, (head, rows) in _places(asks.lines, sections, flat).items():
        words = {"section": section, "section_words": spoken(section)}
        docs = Counter(doc for _, doc in sections[section].values())
        for key, row in rows.items():
            needed = [row] if flat else [head, row]
            doc = sections[section][key][1]
            asks.add(say(rng, _NAMED, key=key, **words), needed, section)
            if " " in spoken(key):
                asks.add(say(rng, _SPOKEN, words=spoken(key), **words), needed, section)
            if tellable(doc) and docs[doc] == 1:
                for _ in range(2):
                    asks.add(say(rng, _TOLD, doc=loosely(rng, doc), **words), needed, section, plain=False)
        asks.add(say(rng, _SECTION, **words), [*([] if flat else [head]), *rows.values()], section)


def _places(
    lines: Lines, sections: Mapping[str, Mapping[str, Setting]], flat: bool
) -> dict[str, tuple[int, dict[str, int]]]:
    """The line of each section's head and of each of its keys."""
    found: dict[str, tuple[int, dict[str, int]]] = {}
    at = 0
    for section, keys in sections.items():
        if flat:
            found[section] = (at, {key: at + i for i, key in enumerate(keys)})
            at += len(keys)
            continue
        head = next((i for i in range(at, len(lines)) if re.match(rf'\s*[\["]?{section}["\]]?:?', lines.lines[i])), at)
        rows = {}
        for i in range(head + 1, len(lines)):
            key = re.match(r"""\s*['"]?([A-Za-z_]\w*)['"]?\s*[:=]""", lines.lines[i])
            if key and key[1] in keys and key[1] not in rows:
                rows[key[1]] = i
            if len(rows) == len(keys):
                break
        found[section] = (head, rows)
        at = max(rows.values(), default=head) + 1
    return found
