from __future__ import annotations

import json
import pickle
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from contextprune.scoring.load import WEIGHTS
from contextprune.scoring.wordpiece import WordPiece
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.growth import assert_linear

CONTENT = (WEIGHTS / "tokenizer.json").read_text(encoding="utf-8")
TOKENIZER = Tokenizer.from_str(CONTENT)
CUTTER = FastWordPiece(Tokenizer.from_str(CONTENT))
WORDPIECE = WordPiece.of(CONTENT)

NASTY = (
    "", " ", "\n\t\r", "\x00", "a\x00b\x1fc\x7fd", "a\x0bb\x0cc\x85d\x1ce", "don't stop", "the of and", "...", "!?",
    "_a_b_", "[SEP] [MASK][CLS]", "[sep]", "[UNK]a", "a[PAD]", "[[SEP]]", "##s", "## s", "a" * 100, "a" * 101,
    "é" * 101, "e\u0301" * 99, "中文abc字", "\uff46\uff55\uff4c\uff4c", "İstanbul", "ΟΔΥΣΣΕΥΣ", "straße ﬁ ǅ",
    "naïve café", "한국어", "ひらがな カタカナ", "a\u200bb\u00adc\ufeffd", "a\ufffdb", "a\u2028b\u2029c\u3000d\u00a0e",
    "x\u0345\u0301", "\u037e\u1fef\u212a\u2260", "a\ud800b", "\udfff", "👩\u200d👧 ok 🇩🇪", "\U0001d518\U0001d52b",
    "“quoted” — dash… ¿qué?", "a$b+c=d<e>f|g~h^i`j", "0x1F 3.14 1e-9",
    "snake_case camelCase HTTPServer", "\u1734 \u166d", "\u302e\u1d165",
    "token" * 500, "a b " * 900, "," * 3000, "!" * 1300, "中" * 2000,
)  # fmt: skip


def expected(text: str) -> list[int]:
    readable = text.encode("utf-8", "replace").decode()
    ids: list[int] = TOKENIZER.encode(readable, add_special_tokens=False).ids
    return ids


@pytest.mark.parametrize("text", NASTY)
def test_the_pieces_are_those_of_the_library(text: str) -> None:
    assert WORDPIECE.pieces(text) == expected(text)
    assert WORDPIECE([text]) == CUTTER.encode([text])


_MIXED = st.lists(
    st.sampled_from([*NASTY[:-5], "The", "tokenization", "\u0301", ".", "ß", "字", "]", "["]), max_size=12
)


@given(st.one_of(st.text(max_size=60), st.text(st.characters(max_codepoint=127), max_size=60), _MIXED.map("".join)))
def test_any_text_has_the_pieces_of_the_library(text: str) -> None:
    assert WORDPIECE.pieces(text) == expected(text)
    assert WORDPIECE([text, text]) == CUTTER.encode([text, text])


def test_each_character_within_a_word_is_cut_as_by_the_library() -> None:
    """Planes in which something is assigned, but for ideographs and syllables in the middle of their ranges."""
    skipped = (range(0x3500, 0x4D00), range(0x4F00, 0x9F00), range(0xAD00, 0xD700), range(0x20100, 0xE0000))
    codes = (c for c in range(0xE0200) if not any(c in r for r in skipped) and unicodedata.category(chr(c)) != "Cs")
    texts = [f"a{chr(code)}b" for code in codes]
    encoded = TOKENIZER.encode_batch_fast(texts, add_special_tokens=False)
    pairs = zip(texts, encoded, strict=True)
    assert [text for text, encoding in pairs if WORDPIECE.pieces(text) != encoding.ids] == []


def test_a_vocabulary_that_was_read_once_is_the_same_as_a_copy() -> None:
    copy: WordPiece = pickle.loads(pickle.dumps(WORDPIECE))
    assert copy(NASTY) == WORDPIECE(NASTY)


def test_what_is_remembered_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contextprune.scoring.wordpiece.REMEMBERED", 10)
    monkeypatch.setattr("contextprune.scoring.wordpiece.REMEMBERED_CHARACTERS", 10)
    fresh = WordPiece.of(CONTENT)
    texts = [f"word{i} of {i} {chr(0xE0 + i)}a{'b' * i}" for i in range(110)]
    assert fresh(texts) == CUTTER.encode(texts)
    assert len(fresh._said) <= 10
    assert len(fresh._characters) <= 10
    assert max(map(len, fresh._said)) <= 100
    fresh.forget()
    assert fresh(texts[:1]) == CUTTER.encode(texts[:1])


def test_the_time_is_linear_in_the_texts() -> None:
    def texts(size: int) -> list[str]:
        draw = random.Random(1)
        return ["".join(draw.choices("abcdefgh ._é", k=200)) for _ in range(size)]

    assert_linear(WordPiece.of(CONTENT), texts, 300)


@pytest.mark.parametrize(
    ("key", "value"),
    [("model", {"type": "BPE"}), ("normalizer", None), ("pre_tokenizer", {"type": "Whitespace"}), ("model", {})],
)
def test_another_tokenizer_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match="its tokenizer"):
        WordPiece.of(json.dumps(json.loads(CONTENT) | {key: value}))


def test_a_vocabulary_without_the_unknown_piece_is_refused() -> None:
    with pytest.raises(ValueError, match=r"lacks \[UNK\]"):
        WordPiece({"a": 0, "[CLS]": 2}, ["[CLS]"])
