"""Facts about packages, modules and functions as records: what tables and JSON replies are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import metadata
from random import Random
from typing import Any, TypeAlias

from contextprune.training.executed.material import Module, Package, parse_module
from contextprune.training.executed.phrases import words_of
from contextprune.training.executed.workbench import Workbench

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


def module_records(bench: Workbench, package: Package, limit: int) -> list[Record]:
    """Records of up to `limit` of the package's modules."""
    names = sorted(bench.rng.sample(package.modules, min(limit, len(package.modules))))
    parsed = [(name, parse_module(package.home / name)) for name in names]
    return [_module_record(i, name, m) for i, (name, m) in enumerate(parsed, bench.rng.randrange(1, 900)) if m]


def _module_record(number: int, name: str, module: Module) -> Record:
    classes = [s for s in module.symbols if s.is_class]
    return {
        "id": number,
        "path": name,
        "lines": module.text.count("\n"),
        "bytes": len(module.text.encode()),
        "functions": len(module.symbols) - len(classes),
        "classes": len(classes),
        "imports": module.text.count("\nimport ") + module.text.count("\nfrom "),
        "summary": module.doc[:120] or None,
    }


def function_records(bench: Workbench, package: Package, limit: int) -> list[Record]:
    """Records of up to `limit` functions in six of the package's modules."""
    rows: list[Record] = []
    number = bench.rng.randrange(1, 5000)

    for name in bench.rng.sample(package.modules, min(6, len(package.modules))):
        module = parse_module(package.home / name)
        for s in module.symbols if module else ():
            if not s.is_class and not s.name.startswith("__"):
                source = module.text.split("\n")[s.body : s.end + 1] if module else []
                branches = sum(line.strip().startswith(("if ", "for ", "while ", "elif ")) for line in source)
                number += 1 + len(s.name) % 3
                rows.append({
                    "id": number,
                    "name": s.qualified_name,
                    "module": name,
                    "line": s.line + 1,
                    "lines": s.end - s.top + 1,
                    "arguments": len(s.node.args.args) if not s.is_class and hasattr(s.node, "args") else 0,
                    "branches": branches,
                    "summary": s.doc[:120] or None,
                })  # fmt: skip

    return sorted(bench.rng.sample(rows, min(limit, len(rows))), key=lambda row: int(row["id"]))


def distribution_records(rng: Random, limit: int) -> list[Record]:
    """Records of up to `limit` of the installed distributions."""
    records = _all_distributions()
    kept = sorted(rng.sample(range(len(records)), min(limit, len(records))))
    return [records[i] for i in kept]


@lru_cache(maxsize=1)
def _all_distributions() -> list[Record]:
    records: list[Record] = []

    for item in sorted(metadata.distributions(), key=lambda d: str(d.metadata["Name"]).lower()):
        facts = item.metadata
        licence = facts["License-Expression"] or facts["License"] or ""
        records.append({
            "id": len(records) + 1,
            "name": facts["Name"],
            "released": item.version,
            "licence": licence.split("\n")[0][:40] or None,
            "python": facts["Requires-Python"],
            "requires": len(item.requires or ()),
            "files": len(item.files or ()),
            "summary": (facts["Summary"] or "")[:120] or None,
        })  # fmt: skip
    return records


def draw_records(bench: Workbench, limit: int) -> tuple[str, str, Sequence[Record]]:
    """Draw records of one kind: (the package or subject, the kind in the singular, at least six records)."""
    while True:
        table = bench.rng.choice(("modules", "functions", "functions", "distributions"))
        if table == "distributions":
            if bench.rng.random() < 0.4:
                return "distributions", "package", distribution_records(bench.rng, limit)
            continue

        package = bench.package(min_files=10)
        rows = (module_records if table == "modules" else function_records)(bench, package, limit)
        if len(rows) > 5:
            return package.name, table[:-1], rows


def label(record: Record) -> str:
    """Name of the record."""
    return str(record.get("name") or record.get("path"))


def hint(record: Record) -> str:
    """Name of the record as words."""
    name = label(record).rpartition("/")[2].removesuffix(".py").rpartition(".")[2]
    return " ".join(words_of(name))
