"""Sentences, and what they need."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from contextprune.context import Context, Kind, Segment, Syntax, Unit
from contextprune.splitting import split
from contextprune.splitting.prose import cut_prose
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces


@given(nasty())
def test_the_cuts_tile_the_text(text: str) -> None:
    assert_tiles(text, cut_prose(text))


def test_silly_texts_take_linear_time() -> None:
    assert_linear_cuts(cut_prose, *SILLY)


def test_an_empty_text_has_no_cuts() -> None:
    assert cut_prose("") == []


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith met J. K. Rowling, e.g. in the U.S. Senate. ", "It rained."],
        ["See Fig. 3, No. 5 and Brown et al. on it. ", "They differ."],
        ["It costs $3.50 at 5 p.m. today. ", "Nobody buys it."],
        ["Wait... what was that? ", "Nothing!"],
        ['"Why?" she asked. ', '"Because." ', "That was all."],
        ["これは文です。", "次の文！", "「はい。」", "終わり？"],  # noqa: RUF001
        ["هل أنت بخير؟ ", "نعم أنا بخير."],
        ["यह वाक्य है। ", "दूसरा वाक्य।"],
        ["¿Qué tal? ", "¡Muy bien! ", "Gracias."],
        ["INTRODUCTION\n\n", "Text follows.\n\n", "More text."],
        ["- first item\n", "- second item\n", "1. Numbered\n", "2) Also numbered"],
        ["One line that is wrapped by hand at some seventy columns, as e-mails\nare. ", "Then the next."],
        ["[02:27] <bob> not so fast\n", "=== eve has joined\n", "[02:28] <bob> hi"],
    ],
)
def test_a_text_falls_into_its_sentences(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert pieces(text, cut_prose(text)) == sentences


@pytest.mark.parametrize("sign", ["! ", "\x1b[31m! ", "... ", "\x1b[1;31m!!! "])
def test_a_sign_that_opens_a_line_is_no_sentence_by_itself(sign: str) -> None:
    text = f"The push went out at noon.\n{sign}[rejected] main -> main (non-fast-forward)\nNothing else was sent."
    assert any(text[cut.start : cut.end].startswith(f"{sign}[rejected]") for cut in cut_prose(text))


def test_a_sentence_that_opens_with_a_pronoun_needs_the_one_before() -> None:
    cuts = cut_prose("Ada wrote it. She was first. Bob came. However, he left.\n\nHe is gone.")
    assert [cut.anchors for cut in cuts] == [(), (0,), (), (2,), ()]


def test_what_a_speaker_says_needs_the_line_that_names_them() -> None:
    cuts = cut_prose("Ann: We start. Budget first. It is low.\nBob: I agree. Fully.")
    assert [cut.anchors for cut in cuts] == [(), (0,), (0,), (), (3,)]


def test_an_endless_sentence_is_cut_at_clause_ends() -> None:
    text = "and so on and on, " * 200
    cuts = cut_prose(text)
    assert all(cut.end - cut.start <= 600 for cut in cuts)
    assert all(piece.endswith(", ") for piece in pieces(text, cuts))


@pytest.mark.parametrize("character", ["e\u0301", "👩\u200d👩\u200d👧", "👍🏽", "\r\n"])
def test_no_cut_tears_a_character_from_what_belongs_to_it(character: str) -> None:
    text = "x" + character * 600
    assert all(piece[0] in (character[0], "x") for piece in pieces(text, cut_prose(text)))


def test_cuts_are_sentences_of_prose() -> None:
    assert {(cut.unit, cut.syntax) for cut in cut_prose("A thing. Another.")} == {(Unit.SENTENCE, Syntax.PROSE)}


SENTENCES = {
    "Hindi": "पुल {n} में बना था और आज भी खड़ा है। ",
    "Bengali": "সেতুটি {n} সালে তৈরি হয়েছিল এবং আজও দাঁড়িয়ে আছে। ",
    "Tamil": "பாலம் {n} ஆம் ஆண்டில் கட்டப்பட்டது இன்றும் நிற்கிறது. ",
    "Thai": "สะพาน {n} แห่งนี้สร้างขึ้นเมื่อนานมาแล้วและยังคงใช้งานอยู่จนถึงทุกวันนี้ ",
    "Khmer": "ស្ពាននេះត្រូវបានសាងសង់នៅឆ្នាំ{n}។",
    "Burmese": "ဤတံတားကို {n} ခုနှစ်တွင်တည်ဆောက်ခဲ့သည်။",
    "Amharic": "ድልድዩ በ {n} ዓመት ተሠርቶ ዛሬም ድረስ ቆሟል። ",
    "Armenian": "Կամուրջը կառուցվել է {n} թվականին և կանգուն է մինչ օրս։ ",  # noqa: RUF001 - its full stop
    "Japanese": "この橋は{n}年に架けられ、今も使われています。",
    "Chinese": "这座桥建于{n}年，至今仍在使用。",  # noqa: RUF001 - a full-width comma
    "Arabic": "بُني الجسر في عام {n} وما زال قائماً حتى اليوم. ",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_texts_of_any_script_are_prose_and_cut_into_sentences(language: str) -> None:
    text = "".join(SENTENCES[language].format(n=1900 + n) for n in range(24))
    spans = split(Context((Segment(Kind.DOCUMENT, text, (0,)),)))
    assert 24 <= len(spans) <= 60
    assert all(len(re.findall("19..", span.text)) <= 1 for span in spans)
