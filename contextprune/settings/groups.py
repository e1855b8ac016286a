"""Groups of settings: the fields of dataclasses that share a table of the file and a prefix of variables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from inspect import cleandoc
from types import MappingProxyType
from typing import Any

from contextprune.errors import SettingsError

_ROW = re.compile(r"(\w+(?:, \w+)*)  +(\S.*)")  # of the table of fields in a docstring
_FORMS: Mapping[type, str] = MappingProxyType(
    {str: "a text", float: "a number", int: "a whole number", list: "a list of names", bool: "true or false",
     dict: "a table"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Settings that are read together; the dataclasses say their names, types, defaults and meanings.

    parts     the dataclasses
    prefix    of the variables
    noun      of one setting, in errors
    table     of the file that has them; "" for the file itself
    without   fields that neither a file nor a variable sets
    inner     tables inside this one that belong to other groups, as variables do whose prefix goes on with their name
    paths     settings that a file may give as a path, which starts at the file's folder
    forms     forms of values in words, by name, where the type does not say enough
    bounds    keywords of JSON Schema by name, for editors; the dataclasses themselves refuse what lies beyond
    """

    parts: tuple[type, ...]
    prefix: str
    noun: str
    table: str = ""
    without: Collection[str] = ()
    inner: Collection[str] = ()
    paths: Collection[str] = ()
    forms: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def fields(self) -> dict[str, Field[Any]]:
        """Fields by name, in the order of the dataclasses."""
        return {field.name: field for part in self.parts for field in fields(part) if field.name not in self.without}

    def descriptions(self) -> dict[str, str]:
        """Meanings by name, from the docstrings."""
        return {name: text for part in self.parts for name, text in descriptions_of(part).items()}

    def form(self, name: str) -> str:
        """The form of a setting's value, in words."""
        return self.forms.get(name) or _FORMS[written_type(self.fields()[name])]

    def variable(self, name: str) -> str:
        """The variable of a setting."""
        return self.prefix + name.upper()

    def key(self, name: str) -> str:
        """The key of a setting in a file, with the table before it."""
        return f"{self.table}.{name}" if self.table else name

    def check_name(self, name: str, spelling: str, origin: str) -> None:
        """Raise SettingsError for a name that does not exist, in the words of `correction`."""
        if name not in self.fields():
            raise SettingsError(self.correction(name, spelling, origin))

    def correction(self, name: str, spelling: str, origin: str) -> str:
        """Say of a name that does not exist which one is the closest that does, spelled as the reader does.

        spelling   the name as it was written: of a variable, or of a key
        origin     where it stands
        """
        close = get_close_matches(name, self.fields(), n=1, cutoff=0.0)[0]
        if spelling.startswith(self.prefix):
            close = self.variable(close)
        return f"no {self.noun} is called {spelling!r} ({origin}); did you mean {close!r}?"


def default_of(field: Field[Any]) -> Any:
    """The default of a dataclass's field; MISSING where there is none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def written_type(field: Field[Any]) -> type:
    """The type of a setting's value as TOML has it: str, int, float, bool, list or dict."""
    default = default_of(field)
    return list if isinstance(default, frozenset | tuple) else type(default)


def descriptions_of(part: type) -> dict[str, str]:
    """The meaning of each field of a dataclass, from the table in its docstring."""
    descriptions: dict[str, str] = {}
    names: list[str] = []
    for line in cleandoc(part.__doc__ or "").splitlines():
        if row := _ROW.fullmatch(line):
            names = row[1].split(", ")
            descriptions |= dict.fromkeys(names, row[2])
        elif names and line.startswith(" "):
            descriptions |= {name: f"{descriptions[name]} {line.strip()}" for name in names}
        else:
            names = []
    return descriptions
