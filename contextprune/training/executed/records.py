"""Facts about packages, modules and functions as records: what tables and JSON replies are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from random import Random
from typing import Any, TypeAlias

from contextprune.training.executed.material import Module, Package, module
from contextprune.training.executed.phrases import words_of
from contextprune.training.executed.workbench import Bench

Record: TypeAlias = Mapping[str, Any]

FIELDS = {
    "lines": ("number of lines", "length in lines", "line count"),
    "bytes": ("size", "weight on disk", "bytes"),
    "functions": ("number of functions", "count of routines in it"),
    "classes": ("number of classes", "count of types declared"),
    "imports": ("number of imports", "count of dependencies at the top"),
    "arguments": ("number of arguments", "how many parameters it takes"),
    "branches": ("number of branches", "how many ifs and loops it has"),
    "line": ("line it starts at", "position in the file"),
    "requires": ("number of requirements", "count of dependencies"),
    "files": ("number of files", "how many files it installs"),
    "released": ("version", "release"),
    "licence": ("licence", "terms it is under"),
    "summary": ("description", "purpose"),
    "module": ("module", "file it lives in"),
    "kind": ("kind", "sort"),
    "name": ("name",),
    "path": ("path", "location"),
    "python": ("Python it needs", "lowest interpreter supported"),
}


def modules(bench: Bench, package: Package, most: int) -> list[Record]:
    """One record for each of some of the package's modules."""
    names = sorted(bench.rng.sample(package.modules, min(most, len(package.modules))))
    found = [(name, module(package.home / name)) for name in names]
    return [_module(i, name, m) for i, (name, m) in enumerate(found, bench.rng.randrange(1, 900)) if m]


def _module(number: int, name: str, found: Module) -> Record:
    classes = [s for s in found.symbols if s.is_class]
    return {
        "id": number,
        "path": name,
        "lines": found.text.count("\n"),
        "bytes": len(found.text.encode()),
        "functions": len(found.symbols) - len(classes),
        "classes": len(classes),
        "imports": found.text.count("\nimport ") + found.text.count("\nfrom "),
        "summary": found.doc[:120] or None,
    }


def functions(bench: Bench, package: Package, most: int) -> list[Record]:
    """One record for each of some of the package's functions."""
    rows: list[Record] = []
    number = bench.rng.randrange(1, 5000)
    for name in bench.rng.sample(package.modules, min(6, len(package.modules))):
        found = module(package.home / name)
        for s in found.symbols if found else ():
            if not s.is_class and not s.name.startswith("__"):
                source = found.text.split("\n")[s.body : s.end + 1] if found else []
                branches = sum(line.strip().startswith(("if ", "for ", "while ", "elif ")) for line in source)
                number += 1 + len(s.name) % 3
                rows.append({
                    "id": number,
                    "name": s.called,
                    "module": name,
                    "line": s.line + 1,
                    "lines": s.end - s.top + 1,
                    "arguments": len(s.node.args.args) if not s.is_class and hasattr(s.node, "args") else 0,
                    "branches": branches,
                    "summary": s.doc[:120] or None,
                })  # fmt: skip
    return sorted(bench.rng.sample(rows, min(most, len(rows))), key=lambda row: int(row["id"]))


def distributions(rng: Random, most: int) -> list[Record]:
    """One record for each of some of the installed distributions."""
    found = _distributions()
    kept = sorted(rng.sample(range(len(found)), min(most, len(found))))
    return [found[i] for i in kept]


@lru_cache(maxsize=1)
def _distributions() -> list[Record]:
    found: list[Record] = []
    for item in sorted(metadata.distributions(), key=lambda d: str(d.metadata["Name"]).lower()):
        facts = item.metadata
        licence = facts["License-Expression"] or facts["License"] or ""
        found.append({
            "id": len(found) + 1,
            "name": facts["Name"],
            "released": item.version,
            "licence": licence.split("\n")[0][:40] or None,
            "python": facts["Requires-Python"],
            "requires": len(item.requires or ()),
            "files": len(item.files or ()),
            "summary": (facts["Summary"] or "")[:120] or None,
        })  # fmt: skip
    return found


def draw(bench: Bench, most: int) -> tuple[str, str, Sequence[Record]]:
    """Records of some sort: a subject, what one record is, and the records."""
    while True:
        way = bench.rng.choice(("modules", "functions", "functions", "distributions"))
        if way == "distributions":
            if bench.rng.random() < 0.4:
                return "distributions", "package", distributions(bench.rng, most)
            continue
        package = bench.package(least=10)
        rows = (modules if way == "modules" else functions)(bench, package, most)
        if len(rows) > 5:
            return package.name, way[:-1], rows


def label(record: Record) -> str:
    """What one would call the record."""
    return str(record.get("name") or record.get("path"))


def hint(record: Record) -> str:
    """Its name, said as words."""
    name = label(record).rpartition("/")[2].removesuffix(".py").rpartition(".")[2]
    return " ".join(words_of(name))
