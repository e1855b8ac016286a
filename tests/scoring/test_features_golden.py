"""The features of the examples are what they were when the shipped weights were trained.

They hang on more than `scoring/features.py`: on the constants of lexical.v1 and signals.v1, on what counts as a failure
line or an identifier, on every splitter. Write the file anew with `python -m tests.scoring.test_features_golden`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.dialects import read
from contextprune.scoring.features import FEATURES_VERSION, Column, features
from contextprune.splitting import split

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"
GOLDEN = Path(__file__).with_name("features_golden.json")
NAMES = ("airline.anthropic.json", "airline.json", "airline.responses.json", "docs.json", "shell.json", "swe.json")
DIGITS = 4  # what other processors make of a logarithm lies below
ADVICE = "bump FEATURES_VERSION and train anew, or undo"


def context_of(example: dict[str, Any]) -> Context:
    """Documents and their question, or a request body with the last words of its user, as in training.

    What the goal of a body is taken to be by now is another matter, and has tests of its own.
    """
    if "documents" not in example:
        context = read(example)
        words = [segment.text for segment in context.segments if segment.kind is Kind.USER]
        return replace(context, query=words[-1] if words else "")
    documents = enumerate(example["documents"])
    segments = (Segment(Kind.DOCUMENT, each["text"], (i,), name=each["title"]) for i, each in documents)
    return Context(tuple(segments), example["question"], asked=True)


def measured(name: str) -> dict[str, Any]:
    """Of one example: spans, the mean of each column, and the row of a span in the middle."""
    context = context_of(json.loads((EXAMPLES / name).read_text(encoding="utf-8")))
    table = features(context, split(context))
    means = [sum(row[column] for row in table) / len(table) for column in Column]
    middle = table[len(table) // 2]
    return {
        "spans": len(table),
        "means": {column.name: round(means[column], DIGITS) for column in Column},
        "middle": {column.name: round(middle[column], DIGITS) for column in Column},
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_features_of_an_example_are_those_that_the_weights_were_trained_on(name: str) -> None:
    golden, present = json.loads(GOLDEN.read_text())["examples"][name], measured(name)
    assert present["spans"] == golden["spans"], f"{name} is cut into other spans: {ADVICE}"
    for kind in ("means", "middle"):
        shifted = {
            column: (golden[kind][column], value)
            for column, value in present[kind].items()
            if value != pytest.approx(golden[kind][column], abs=2 * 10**-DIGITS)
        }
        assert not shifted, f"features of {name} have moved ({kind}: was, is): {ADVICE}"


def test_the_file_has_the_version_of_the_features() -> None:
    assert json.loads(GOLDEN.read_text())["version"] == FEATURES_VERSION


if __name__ == "__main__":
    golden = {"version": FEATURES_VERSION, "examples": {name: measured(name) for name in NAMES}}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
