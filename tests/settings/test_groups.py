"""Groups of settings know their names, variables, keys, meanings and forms from the dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import pytest

from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import Policy, Rule
from contextprune.proxy.options import OPTIONS, Options
from contextprune.settings import SETTINGS, Group, Settings
from contextprune.settings.groups import default_of, descriptions_of, written_type


@dataclass(frozen=True)
class Colours:
    """Colours of a thing.

    sky, sea   blue, mostly;
               sometimes grey
    sand       yellow

    Both are seen from afar.
    """

    sky: str = "blue"
    sea: str = "blue"
    sand: tuple[str, ...] = ()
    depth: float = 1.0
    secret: frozenset[int] = field(default_factory=frozenset)


GROUP = Group((Colours,), "COLOURS_", "colour", table="look", without=("secret",), forms={"depth": "a depth"})


def test_meanings_come_from_the_table_of_a_docstring() -> None:
    assert descriptions_of(Colours) == {
        "sky": "blue, mostly; sometimes grey", "sea": "blue, mostly; sometimes grey", "sand": "yellow"
    }  # fmt: skip


@pytest.mark.parametrize("part", [Settings, Policy, Options, Rule, Tariff], ids=lambda part: part.__name__)
def test_every_setting_has_a_meaning(part: type) -> None:
    assert set(descriptions_of(part)) == {field.name for field in fields(part)} - {
        "name"
    }  # of a tariff, the key of its table


def test_a_field_that_nobody_may_set_has_no_name_in_the_group() -> None:
    assert list(GROUP.fields()) == ["sky", "sea", "sand", "depth"]
    assert "policy" not in SETTINGS.fields()
    assert "config" not in OPTIONS.fields()


def test_a_setting_has_a_variable_a_key_and_a_form() -> None:
    assert (GROUP.variable("sky"), GROUP.key("sky"), SETTINGS.key("recall")) == ("COLOURS_SKY", "look.sky", "recall")
    assert [GROUP.form(name) for name in ("sky", "sand", "depth")] == ["a text", "a list of names", "a depth"]


def test_defaults_come_from_values_and_from_factories() -> None:
    defaults = [default_of(member) for member in GROUP.fields().values()]
    assert defaults == ["blue", "blue", (), 1.0]
    assert [written_type(member) for member in GROUP.fields().values()] == [str, str, list, float]


def test_a_name_that_does_not_exist_is_answered_with_the_closest_as_the_reader_spells_it() -> None:
    GROUP.check_name("sky", "sky", "here")
    with pytest.raises(SettingsError, match=r"no colour is called 'skies' \(look.skies\); did you mean 'sky'\?"):
        GROUP.check_name("skies", "skies", "look.skies")
    with pytest.raises(SettingsError, match=r"'COLOURS_SAN' \(environment\); did you mean 'COLOURS_SAND'\?"):
        GROUP.check_name("san", "COLOURS_SAN", "environment")
