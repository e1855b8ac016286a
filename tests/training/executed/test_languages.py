"""Facts about made sources."""

from __future__ import annotations

from random import Random

import pytest

from contextprune.training.executed import language_table, markup_table, trace_table
from contextprune.training.executed.languages import Language, cased, make_files

LANGUAGES = [
    language
    for module in (language_table, markup_table, trace_table)
    for language in vars(module).values()
    if isinstance(language, Language)
]


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: str(language.suffix))
def test_faults_stand_where_they_are_said_to_stand(language: Language) -> None:
    planted = 0
    for file in make_files(Random(2), language, 4, 9):
        lines = file.text.split("\n")
        assert "@@" not in file.text
        for fault in file.planted:
            planted += 1
            assert fault.file == file.name
            assert not fault.name or any(fault.name in line for line in lines[fault.line - 1 : fault.line + 8])
    assert planted > 3


def test_no_function_stands_twice_in_a_project() -> None:
    names = [function.name for file in make_files(Random(1), language_table.C, 9, 3) for function in file.functions]
    assert len(names) == len(set(names))


def test_a_function_says_what_it_computes() -> None:
    file = make_files(Random(1), language_table.GO, 1, 0)[0]
    assert file.functions[0].value(3, 4) == 3 * file.functions[0].factor + 4 - file.functions[0].less


def test_names_are_written_as_the_language_does() -> None:
    assert cased("price_bills", camel=True) == "priceBills"
    assert cased("price_bills", camel=True, first=True) == "PriceBills"
    assert cased("price_bills", camel=False) == "price_bills"
