from __future__ import annotations

from contextprune.context import Context, Kind, Segment
from contextprune.scoring.reading import header, is_foreign, shortened
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.scoring.folders import tokenizer


def test_punctuation_and_common_words_are_not_read() -> None:
    bare, full = FastWordPiece(tokenizer()).encode(["payment refused", "the payment, (refused)"])
    assert bare == full


def test_the_header_of_a_result_is_its_call() -> None:
    call = Segment(Kind.TOOL_CALL, '{"path": "a.log"}', (0,), pair="1", name="read")
    context = Context((call, Segment(Kind.TOOL_RESULT, "text", (1,), pair="1", name="read")))
    assert header(context, 1) == 'read {"path": "a.log"}'


def test_a_long_text_is_read_at_its_two_ends() -> None:
    text = "why " + "payment " * 1000 + "refused"
    read = shortened(text)
    assert read.startswith("why ")
    assert read.endswith("refused")
    assert len(read) < len(text) / 2
    assert shortened("short") == "short"


def test_text_in_another_script_is_foreign_and_accents_are_not() -> None:
    assert is_foreign("\u0645\u0631\u062d\u0628\u0627 \u0628\u0643")
    assert not is_foreign("caf\u00e9 au lait")
