from __future__ import annotations

import re
import sys
import unicodedata

import pytest

from contextprune.text.letters import MARKS, is_word


@pytest.mark.parametrize("word", ["word", "Straße", "हिन्दी", "বাংলা", "தமிழ்", "ภาษาไทย", "שָׁלוֹם", "中文", "क्‍ष"])
def test_a_word_is_letters_with_their_marks(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize("text", ["", "a b", "x1", "ok.", "हिन्दी।", "\u0301a", "தமிழ் மொழி", "a_b"])
def test_all_else_is_no_word(text: str) -> None:
    assert not is_word(text)


def test_the_class_of_marks_holds_no_letter_no_digit_and_no_blank() -> None:
    matched = re.findall(f"[{MARKS}]", "".join(map(chr, range(sys.maxunicode + 1))))
    assert len(matched) > 1200
    assert {unicodedata.category(character) for character in matched} <= {"Mn", "Mc", "Me", "Cf"}
