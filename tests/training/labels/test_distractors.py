"""Facts about hard negatives: near the question, of another document, without its answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


_PROGRAM = """
from pathlib import Path

from contextprune.training.labels import kit, questions
from contextprune.training.labels.distractors import DistractorIndex

parsed = (questions.parse(raw, "squad2", "prose") for raw in kit.rows(Path(PATH)))
rows = [row for row in parsed if row is not None]
index = DistractorIndex(rows)
print([[doc.title for doc in index.closest(row, 4, kit.rng_for(row.id))] for row in rows])
"""


def test_the_distractors_of_a_question_are_the_same_in_every_process() -> None:
    path = Path(__file__).parents[3] / "examples" / "data" / "bench" / "qa_squad2.jsonl.gz"
    program = _PROGRAM.replace("PATH", repr(str(path)))
    drawn = {
        subprocess.run(
            [sys.executable, "-P", "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(drawn) == 1
    assert drawn.pop().strip()
