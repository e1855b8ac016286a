"""WordPiece by the library `tokenizers`, for training: the same pieces as `scoring/wordpiece.py`, much faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contextprune.scoring.reading import shortened, silent


class FastWordPiece:
    """Turns texts into pieces with one vocabulary. `tokenizer` is a `tokenizers.Tokenizer`."""

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        vocabulary: Mapping[str, int] = tokenizer.get_vocab()
        self._silent = silent(vocabulary)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids without those that say nothing; of a text that has no others, its first."""
        cut = list(map(shortened, texts))
        if not all(map(str.isascii, cut)):  # a lone surrogate is no text to the tokenizer
            cut = [text.encode("utf-8", "replace").decode() for text in cut]
        encoded = []
        for encoding in self._tokenizer.encode_batch_fast(cut, add_special_tokens=False):
            ids = encoding.ids
            encoded.append([i for i in ids if i not in self._silent] or ids[:1])
        return encoded
