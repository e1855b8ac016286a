"""Where spans that are too long are cut, and what no cut may tear."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Cut, Syntax, Unit
from contextprune.splitting import cut
from contextprune.splitting.pieces import break_points, continues
from tests.splitting.tiling import assert_linear_cuts, assert_tiles, nasty, pieces

PODCAST = "so we took the ferry because the bridge was shut and the man at the gate told us that nobody had crossed it "
INTERVIEW = "und dann hat er gesagt dass die Pumpe schon seit Wochen nicht mehr läuft und keiner sich darum kümmert "
VOICEMAIL = "hola soy yo otra vez queria decirte que el pedido de las cajas azules llega el martes por la tarde y que "
RUN_ONS = (PODCAST * 5, INTERVIEW * 5, VOICEMAIL * 5)

LAO = "ນະຄອນຫຼວງຕັ້ງຢູ່ແຄມແມ່ນ້ຳຂອງແລະມີປະຊາກອນປະມານແປດແສນຄົນ " * 8
KHMER = "រាជធានីស្ថិតនៅលើច្រាំងទន្លេហើយមានប្រជាជនប្រហែលពីរលាននាក់" * 8
CHINESE = "老城的桥在去年春天因为桥墩裂缝而关闭修理用了十四个月现在已经重新开放" * 10
JAPANESE = "古い橋は橋脚のひびのため閉鎖され修理に十四か月かかったがいまはふたたび通れる" * 10
BURMESE = "မြို့တော်သည်မြစ်ကမ်းပေါ်တွင်တည်ရှိပြီးလူဦးရေရှစ်သိန်းခန့်ရှိသည်" * 8
DENSE = (LAO, KHMER, CHINESE, JAPANESE, BURMESE)

ADDRESS = "https://example.org/a,b;c/" + "path-" * 60 + "?q=1,2;3&r=4"
BASE64 = "iVBORw0KGgoAAAANSUhEUgAA+/Q7" * 40 + "=="
DATA = f"data:image/png;base64,{BASE64}"
NUMBER = "1,234,567,890.123"
WHOLES = (ADDRESS, BASE64, DATA, NUMBER, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" * 8)


@pytest.mark.parametrize("text", RUN_ONS)
def test_speech_without_punctuation_is_cut_between_words(text: str) -> None:
    spans = pieces(text, cut(text))
    assert max(map(len, spans)) <= 200
    assert all(span.endswith(" ") for span in spans)


@pytest.mark.parametrize("text", DENSE)
def test_text_of_a_script_without_blanks_is_cut_between_whole_characters(text: str) -> None:
    cuts = cut(text)
    assert max(each.end - each.start for each in cuts) <= 90
    assert not any(unicodedata.category(text[each.start])[0] == "M" for each in cuts)


def test_a_japanese_piece_ends_where_a_phrase_does() -> None:
    assert all(span[-1] >= "ぁ" and span[-1] <= "ゟ" for span in pieces(JAPANESE, cut(JAPANESE))[:-1])


def test_a_khmer_consonant_stays_with_the_sign_that_joins_it() -> None:
    assert not any(KHMER[each.start - 1] == "\u17d2" for each in cut(KHMER)[1:])


def test_a_sentence_with_its_commas_stays_whole() -> None:
    sentence = "The bridge, which was shut in spring, is open again, as the town said, for all but heavy carts, " * 4
    assert len(cut(sentence.strip() + ".\n")) == 1


@pytest.mark.parametrize("whole", WHOLES)
@pytest.mark.parametrize("around", ["word " * 118, "x;" * 290, "你" * 590])
def test_nothing_that_means_nothing_in_part_is_torn(whole: str, around: str) -> None:
    text = f"{around}{whole} {around}"
    at = text.index(whole)
    points = break_points(text, 0, len(text))
    assert not any(at < point < at + len(whole) for point in points)


@given(st.text("aé\u0301👩\u200d👧🏽🇩🇪\ud83d\ude00กำ្ក\r\n", min_size=30, max_size=60).map(lambda text: text * 30))
def test_no_cut_parts_a_character_from_its_marks(text: str) -> None:
    points = break_points(text, 0, len(text), 80)
    torn = [point for point in points[:-1] if continues(text[point - 1], text[point])]
    assert all(continues(text[at - 1], text[at]) for point in torn for at in range(max(1, point - 31), point))


@given(nasty(), st.integers(2, 50))
def test_points_rise_and_end_at_the_end(text: str, limit: int) -> None:
    points = [0, *break_points(text, 0, len(text), limit)]
    assert all(before < after for before, after in pairwise(points)) or not text
    assert points[-1] == len(text)


def test_silly_lines_are_cut_in_linear_time() -> None:
    def cut_at_points(text: str) -> list[Cut]:
        points = [0, *break_points(text, 0, len(text))]
        return [Cut(start, end, Unit.LINE, Syntax.LINES) for start, end in pairwise(points)]

    assert_linear_cuts(cut_at_points, "a", "a ", "1,", "http://", "data:a", "\u0301", "เ", "あ漢", "\u200d", "a:", "_-")
    text = "你" * 2000
    assert_tiles(text, cut_at_points(text))
