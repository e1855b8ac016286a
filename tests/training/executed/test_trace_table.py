"""Facts about the table: each language has room for faults, and faults that differ."""

from __future__ import annotations

from contextprune.training.executed import trace_table
from contextprune.training.executed.languages import Language


def test_each_language_has_places_and_different_faults() -> None:
    languages = [value for value in vars(trace_table).values() if isinstance(value, Language)]
    assert languages
    for language in languages:
        assert any("@@" in function for function in language.functions)
        assert len({code for _, code in language.faults}) == len(language.faults) > 3
