"""Facts about the MiniLM baseline: its vectors are those of the model's own library."""

from __future__ import annotations

from typing import Any

import pytest

from contextprune.bench.documents import minilm

if minilm.missing():
    pytest.skip(f"not installed: {', '.join(minilm.missing())}", allow_module_level=True)

TEXTS = ("", "Ice forms at zero.", "Cats sleep. " * 40, "ü 漢字", "a\n\nb", "x" * 900, "What does it cost?")
COMPONENTS = (0, 1, 191, 383)
EXPECTED = (
    (-0.118838, 0.048299, 0.009350, -0.015717),
    (-0.066347, 0.007562, -0.036170, 0.040406),
    (0.048745, -0.006559, -0.018605, 0.028325),
    (-0.016123, 0.033502, 0.038710, -0.019438),
    (-0.011304, 0.043271, 0.035984, 0.047601),
    (-0.041596, -0.024682, -0.004895, 0.006375),
    (0.045786, 0.033339, 0.098977, -0.022042),
)
"""Some components of `SentenceTransformer.encode(TEXTS, normalize_embeddings=True)` of sentence-transformers 6.2.0 with
`max_seq_length` 128: to import that library takes ten times as long as all of these tests."""


@pytest.fixture(scope="module")
def vectors() -> Any:
    return minilm.embed(TEXTS)


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_a_vector_is_that_of_sentence_transformers(vectors: Any, number: int) -> None:
    assert [float(vectors[number][i]) for i in COMPONENTS] == pytest.approx(EXPECTED[number], abs=1e-5)


def test_a_vector_does_not_depend_on_its_batch(vectors: Any) -> None:
    assert float((vectors[1] - minilm.embed(TEXTS[1:2])[0]).abs().max()) < 1e-5


def test_a_sentence_that_says_the_same_in_other_words_is_nearer() -> None:
    scores = minilm.similarities("At which temperature does water freeze?", ["Ice forms at zero.", "Cats sleep."])
    assert scores[0] > scores[1] + 0.2


def test_no_texts_have_no_similarities() -> None:
    assert minilm.similarities("What?", []) == []
