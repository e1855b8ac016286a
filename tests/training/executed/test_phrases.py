"""Facts about wording."""

from __future__ import annotations

from random import Random

from contextprune.training.executed.phrases import reword, spell_out, words_of


def test_names_fall_into_words() -> None:
    assert words_of("parseHTTPHeader_v2") == ["parse", "http", "header", "v2"]
    assert spell_out("max_num_args") == "maximum number of arguments"


def test_a_sentence_is_said_in_other_words() -> None:
    assert reword(Random(1), "Return the size of a file.", 1.0) == "give back the extent of a document"
