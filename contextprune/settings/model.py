"""Settings as models of pydantic: made from the dataclasses, they say what is no setting, and describe the file.

Sources come by precedence, as pydantic-settings has them; which of them has a say is decided before, in `trust`.
Types are strict: `true` is no number, and a text is none either.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from types import GenericAlias, MappingProxyType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import Rule
from contextprune.settings.groups import Group, default_of, descriptions_of
from contextprune.settings.sources import Written
from contextprune.settings.values import SETTINGS


@dataclass(frozen=True, slots=True)
class _Inner:
    """Values of a dataclass inside a setting, each a table under a name.

    form      of the table, in words
    numbers   form of what stands in it
    key       the field that is the name of the table
    like      fields that may be left out, and are then what another one is
    bounds    as in a group
    """

    form: str
    numbers: str
    key: str = ""
    like: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_INNER: Mapping[Any, _Inner] = MappingProxyType(
    {
        Rule: _Inner(
            "a table with recall, min_tokens and max_tokens",
            "recall, min_tokens and max_tokens are numbers (the last two whole ones)",
            bounds={"max_tokens": {"minimum": 1}, **{name: SETTINGS.bounds[name] for name in ("recall", "min_tokens")}},
        ),
        Tariff: _Inner(
            "a table with input and, if need be, read, write, output, least, hour",
            "prices and least are numbers (least a whole one)",
            key="name",
            like={"read": "input", "write": "input"},
            bounds={name: {"minimum": 0} for name in ("input", "read", "write", "output", "least", "hour")},
        ),
    }
)


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(strict=True, extra="forbid", validate_default=False)


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Source(PydanticBaseSettingsSource):
    """What one source has, but for names that a source above it has: a table replaces a table whole."""

    def __init__(self, model: type[BaseSettings], written: Mapping[str, Written], above: Collection[str]) -> None:
        super().__init__(model)
        self._values = {name: setting.value for name, setting in written.items() if name not in above}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - theirs
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def validate(group: Group, *sources: Mapping[str, Written]) -> dict[str, Any]:
    """Values by name in the types of the dataclasses, from sources of which each wins over those behind it.

    Raises SettingsError for a value that a setting cannot have, with the place where it stands.
    """
    model = model_of(group)
    written: dict[str, Written] = {}
    stack: list[_Source] = []
    for source in sources:
        stack.append(_Source(model, source, written.keys()))
        written = {**source, **written}

    try:
        settings = model(_build_sources=(tuple(stack), {}))
    except ValidationError as exc:
        raise _explained(exc, group, written) from exc
    hints = _hints(group)
    return {name: _value(hints[name], getattr(settings, name), origin) for name, (_, origin) in written.items()}


@cache
def model_of(group: Group) -> type[BaseSettings]:
    """The model of a group, with the defaults, meanings and bounds of its settings."""
    hints, descriptions = _hints(group), group.descriptions()
    settings: dict[str, Any] = {}
    for name, member in group.fields().items():
        default = default_of(member)
        if isinstance(default, frozenset):
            default = [kind for kind in Kind if kind in default]
        elif isinstance(default, tuple):
            default = list(default)
        info = Field(default=default, description=descriptions.get(name), json_schema_extra=_extra(group.bounds, name))
        settings[name] = (_written_as(hints[name]), info)
    return create_model(group.table or "contextprune", __base__=_Settings, **settings)


def _extra(bounds: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any] | None:
    return dict(bounds[name]) if name in bounds else None


def _hints(group: Group) -> dict[str, Any]:
    return {name: hint for part in group.parts for name, hint in get_type_hints(part).items()}


def _written_as(hint: Any) -> Any:
    """The type of what stands in a file, for a field of the type `hint`."""
    if hint == frozenset[Kind]:
        return list[Annotated[Kind, Strict(False)]]
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return GenericAlias(list, (arguments[0],))
    if get_origin(hint) is Mapping:
        return GenericAlias(dict, (str, _table_of(arguments[1]) if arguments[1] in _INNER else arguments[1]))
    return hint


@cache
def _table_of(kind: Any) -> type[BaseModel]:
    """The model of a table that stands for a value of a dataclass; what may be left out has no default in it."""
    inner, hints, descriptions = _INNER[kind], get_type_hints(kind), descriptions_of(kind)
    settings: dict[str, Any] = {}
    for member in fields(kind):
        name = member.name
        if name == inner.key:
            continue
        default = default_of(member)
        default = ... if default is MISSING else default  # so pydantic calls a field that must be there
        may_miss = default is None or name in inner.like
        initial: dict[str, Any] = {"default_factory": lambda: None} if may_miss else {"default": default}
        info = Field(**initial, description=descriptions.get(name), json_schema_extra=_extra(inner.bounds, name))
        hint = hints[name]
        settings[name] = (next(iter(get_args(hint)), hint), info)  # `float | None`: a table has no None
    return create_model(kind.__name__, __base__=_Table, __doc__=_summary(kind), **settings)


def _summary(kind: Any) -> str:
    return str(kind.__doc__).partition("\n")[0]


def _value(hint: Any, value: Any, origin: str) -> Any:
    """A value in the type `hint`, from what stands in a file."""
    if hint == frozenset[Kind]:
        return frozenset(value)
    if get_origin(hint) is tuple:
        return tuple(value)
    if get_origin(hint) is Mapping and (kind := get_args(hint)[1]) in _INNER:
        return {name: _instance(kind, name, table, f"{origin}: {name}") for name, table in value.items()}
    return value


def _instance(kind: Any, name: str, table: BaseModel, origin: str) -> Any:
    """The value that a table stands for. Raises SettingsError with its place."""
    inner = _INNER[kind]
    values = {field: getattr(table, field) for field in table.model_fields_set}
    values = {field: values[model_field] for field, model_field in inner.like.items()} | values
    if inner.key:
        values[inner.key] = name
    try:
        return kind(**values)
    except SettingsError as exc:
        raise SettingsError(f"{origin}: {exc}") from exc


def _explained(exc: ValidationError, group: Group, written: Mapping[str, Written]) -> SettingsError:
    """The first of pydantic's errors in one line, with its place."""
    error = exc.errors(include_url=False, include_context=False)[0]
    name, *path = error["loc"]
    (value, origin), hint = written[str(name)], _hints(group)[str(name)]

    if hint == frozenset[Kind] and path and isinstance(error["input"], str):
        close = get_close_matches(error["input"], list(Kind), n=1, cutoff=0.0)[0]
        return SettingsError(f"{origin}: no kind is called {error['input']!r}; did you mean {str(close)!r}?")
    inner = _INNER.get(get_args(hint)[1]) if get_origin(hint) is Mapping else None
    if inner is None or not path:
        return SettingsError(f"{origin} is {group.form(str(name))}, not {value!r}")

    table = value[path[0]]
    if len(path) == 1 or error["type"] in ("missing", "extra_forbidden"):
        return SettingsError(f"{origin}: {path[0]} is {inner.form}, not {table!r}")
    return SettingsError(f"{origin}: {path[0]}: {inner.numbers}, not {table!r}")
