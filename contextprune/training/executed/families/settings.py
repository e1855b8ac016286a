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

import yaml

from contextprune.training.executed.material import Module, Package, Symbol, parse_module
from contextprune.training.executed.output import GoalCollector, Lines, Output, draw_length
from contextprune.training.executed.phrases import first_sentence, is_descriptive, phrase, reword, spell_out
from contextprune.training.executed.workbench import Workbench

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
_DESCRIBED = (
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


def settings(bench: Workbench) -> Iterator[Output]:
    """Endless files, each of several classes' parameters with their defaults."""
    rng = bench.rng
    while True:
        wanted_lines = draw_length(rng)
        sections: dict[str, dict[str, Setting]] = {}
        package = bench.package(min_files=20)

        # classes and functions of one package, until the file is long enough
        tries = 0
        while sum(len(keys) + 2 for keys in sections.values()) < wanted_lines and tries < 60:
            tries += 1
            package, _, module = (
                bench.source(min_symbols=2)
                if not sections and tries % 5 == 0
                else (package, "", _random_module(bench, package))
            )
            sections.update(_classes(module) if module else {})

        if sum(map(len, sections.values())) < 8:
            continue
        names = rng.sample(sorted(sections), min(len(sections), 40))
        kept = {name: sections[name] for name in names}
        suffix, text = _serialise(bench, {s: {k: v for k, (v, _) in keys.items()} for s, keys in kept.items()})

        goals = GoalCollector(Lines(text), max_lines=16)
        _collect_goals(bench, goals, kept, suffix)
        path = f"{bench.home()}/{rng.choice(('config', 'settings', 'defaults', 'deploy', 'production'))}.{suffix}"
        tool, call = rng.choice((("bash", {"command": f"cat {path}"}), ("read_file", {"path": path})))
        crop = "pipe" if tool == "bash" else "view"
        yield Output("config", tool, call, text, package.name, goals.collected, crop if suffix != "json" else None)


def _random_module(bench: Workbench, package: Package) -> Module | None:
    names = package.modules
    return parse_module(package.home / bench.rng.choice(names)) if names else None


def _classes(module: Module) -> dict[str, dict[str, Setting]]:
    """Collect the parameters with a plain default, by class or function, each with its description."""
    classes = {s.name: s for s in module.symbols if s.is_class}
    sections = {}
    for s in module.symbols:
        if s.is_class or (s.name.startswith("_") and s.name != "__init__"):
            continue
        keys = _parameters(s, classes.get(s.owner))
        if len(keys) > 2:
            sections[s.owner if s.name == "__init__" else s.qualified_name.replace(".", "_")] = keys
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
            keys[argument.arg] = (default.value, describe_parameter(doc, argument.arg))
    return keys


def describe_parameter(doc: str, name: str) -> str:
    """Find a parameter's description in a docstring of NumPy's, Google's or Sphinx's style: its first sentence."""
    styles = (
        rf"\n[ \t]*{name} ?: [^\n]*\n[ \t]+(?=[A-Z])(.+?)(?:\n\s*\n|\n\S|\n[ \t]*\w+ ?: |\Z)",
        rf"\n[ \t]*{name} ?\([^\n]*?\):\s*(.+?)(?:\n\s*\n|\n\s*\w+ ?\(|\Z)",
        rf":param {name}:\s*(.+?)(?:\n\s*\n|\n\s*:|\Z)",
        rf"\n[ \t]*{name}: (.+?)(?:\n\s*\n|\n\s*\w+: |\Z)",
    )
    for style in styles:
        if match := re.search(style, doc, re.DOTALL):
            return first_sentence(match[1])
    return ""


def _serialise(bench: Workbench, values: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Write the values in one of seven formats: (ending of the file, text)."""
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


def _collect_goals(
    bench: Workbench, goals: GoalCollector, sections: Mapping[str, Mapping[str, Setting]], suffix: str
) -> None:
    rng = bench.rng
    flat = suffix in {"env", "properties"}
    for section, (header, rows) in _line_numbers(goals.lines, sections, flat).items():
        words = {"section": section, "section_words": spell_out(section)}
        docs = Counter(doc for _, doc in sections[section].values())

        for key, row in rows.items():
            needed = [row] if flat else [header, row]
            doc = sections[section][key][1]
            goals.add(phrase(rng, _NAMED, key=key, **words), needed, section)
            if " " in spell_out(key):
                goals.add(phrase(rng, _SPOKEN, words=spell_out(key), **words), needed, section)
            if is_descriptive(doc) and docs[doc] == 1:
                for _ in range(2):
                    goals.add(phrase(rng, _DESCRIBED, doc=reword(rng, doc), **words), needed, section, plain=False)
        goals.add(phrase(rng, _SECTION, **words), [*([] if flat else [header]), *rows.values()], section)


def _line_numbers(
    lines: Lines, sections: Mapping[str, Mapping[str, Setting]], flat: bool
) -> dict[str, tuple[int, dict[str, int]]]:
    """Find the line of each section's head and of each of its keys: {section: (head, {key: row})}."""
    positions: dict[str, tuple[int, dict[str, int]]] = {}
    row = 0
    for section, keys in sections.items():
        if flat:
            positions[section] = (row, {key: row + i for i, key in enumerate(keys)})
            row += len(keys)
            continue

        head = next(
            (i for i in range(row, len(lines)) if re.match(rf'\s*[\["]?{section}["\]]?:?', lines.lines[i])), row
        )
        rows = {}
        for i in range(head + 1, len(lines)):
            key = re.match(r"""\s*['"]?([A-Za-z_]\w*)['"]?\s*[:=]""", lines.lines[i])
            if key and key[1] in keys and key[1] not in rows:
                rows[key[1]] = i
            if len(rows) == len(keys):
                break

        positions[section] = (head, rows)
        row = max(rows.values(), default=head) + 1
    return positions
