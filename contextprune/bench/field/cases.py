"""The cases: an output of a tool, the goal and the call that it belongs to, and what an engineer needs of it.

A set is a folder of families. A family is a folder with a `cases.toml` and the outputs, each in a file of its own,
`NAME.txt`. A hash of its name puts each case into one of two halves: faults are mended with the open half in sight
alone, so the other one judges.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from contextprune.errors import SettingsError
from contextprune.training.labels.kit import digest

Half: TypeAlias = Literal["open", "judge"]

REPOSITORY = Path(__file__).parents[3] / "tests" / "field"
INDEX = "cases.toml"


@dataclass(frozen=True, slots=True)
class Case:
    """One output of a tool.

    origin      how the output came about: run with which tool, or written by hand
    call, arguments   the name of the agent's tool, and its arguments as JSON
    needs       exact pieces of the text, each of which must stay outside markers
    unbroken    exact pieces of the text that stay whole or not at all
    valid_json  whether what stays must be valid JSON
    """

    name: str
    family: str
    tool: str
    origin: str
    goal: str
    call: str
    arguments: str
    text: str
    needs: tuple[str, ...]
    unbroken: tuple[str, ...] = ()
    valid_json: bool = False

    @property
    def half(self) -> Half:
        """The half that the name falls into."""
        return "open" if digest(f"field:{self.name}")[0] & 1 else "judge"


def find_cases(folder: Path | None) -> Path:
    """The folder of a set: `folder` where it is one, else the repository's.

    Raises SettingsError where there is neither, as in an installed package.
    """
    if folder is not None and any(folder.glob(f"*/{INDEX}")):
        return folder
    if any(REPOSITORY.glob(f"*/{INDEX}")):
        return REPOSITORY
    raise SettingsError(
        f"no field cases: give --data DIR, a folder of families with a {INDEX} each; the repository's is tests/field"
    )


def load_cases(root: Path, families: frozenset[str] = frozenset(), count: int | None = None) -> list[Case]:
    """All cases of the families, or of those named, up to `count` of each, in the order of the files.

    Raises SettingsError where an index cannot be read or names an output that is not there.
    """
    cases: list[Case] = []
    for index in sorted(root.glob(f"*/{INDEX}")):
        if not families or index.parent.name in families:
            cases.extend(list(_read(index))[:count])
    return cases


def _read(index: Path) -> Iterator[Case]:
    try:
        for raw in tomllib.loads(index.read_text(encoding="utf-8"))["case"]:
            yield _case(raw, index.parent)
    except (OSError, ValueError, KeyError) as exc:
        raise SettingsError(f"{index} cannot be read: {exc!r}") from exc


def _case(raw: dict[str, Any], folder: Path) -> Case:
    return Case(
        name=raw["name"],
        family=folder.name,
        tool=raw["tool"],
        origin=raw["origin"],
        goal=raw["goal"],
        call=raw["call"]["name"],
        arguments=json.dumps(raw["call"]["arguments"], ensure_ascii=False),
        text=(folder / f"{raw['name']}.txt").read_bytes().decode("utf-8"),
        needs=tuple(raw["needs"]),
        unbroken=tuple(raw.get("unbroken", ())),
        valid_json=raw.get("valid_json", False),
    )
