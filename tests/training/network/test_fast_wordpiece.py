from __future__ import annotations

from contextprune.scoring.wordpiece import WordPiece
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.scoring.folders import tokenizer

TEXTS = ["why does checkout fail", "the payment, (refused)", "", "the", "payment " * 900, "a lone \ud800 surrogate"]


def test_it_gives_the_pieces_that_scoring_reads() -> None:
    pieces = tokenizer()
    assert FastWordPiece(pieces).encode(TEXTS) == WordPiece.of(pieces.to_str())(TEXTS)
