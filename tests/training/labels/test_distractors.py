"""Facts about hard negatives: near the question, of another document, without its answer."""

from __future__ import annotations

from contextprune.training.labels.distractors import DistractorIndex
from contextprune.training.labels.kit import rng_for
from contextprune.training.labels.questions import Doc, Row


def row(number: int, text: str, question: str = "?", answers: tuple[str, ...] = ()) -> Row:
    return Row(f"r{number}", "s", "prose", (f"g{number}",), question, (Doc("", text),), (), answers=answers)


ROWS = [
    row(0, "The glacier lake is deep.", "How deep is the glacier lake?", ("forty metres",)),
    row(1, "A glacier may end in a lake."),
    row(2, "A glacier lake of forty metres."),
    *(row(i, f"Sentence {i} on other things.") for i in range(3, 40)),
]


def test_the_nearest_documents_of_other_groups_come_first() -> None:
    assert [doc.text for doc in DistractorIndex(ROWS).closest(ROWS[0], 3, rng_for(0))] == [
        "A glacier may end in a lake."
    ]


def test_a_question_like_no_document_has_no_distractor() -> None:
    assert DistractorIndex(ROWS).closest(row(99, "", "Xylophone?"), 3, rng_for(0)) == []
