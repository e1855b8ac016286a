from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import numpy as np

from contextprune.training.network.examples import Example, example_of
from contextprune.training.network.judge import few_of_each, recalls
from tests.training.network.test_examples import encode
from tests.training.tiny import samples


def examples() -> list[Example]:
    return [example for sample in samples(4) if (example := example_of(sample, encode)) is not None]


def test_the_right_order_reaches_everything_and_the_reverse_nothing() -> None:
    some = examples()
    best = recalls(some, [example.label.astype(float) for example in some])
    worst = recalls(some, [-example.label.astype(float) for example in some])
    assert {value for _, _, value in best} == {1.0}
    assert fmean(value for _, _, value in worst) < 0.6


def test_spans_that_are_not_judged_do_not_count() -> None:
    example = examples()[0]
    judged = example.label > 0
    assert recalls([replace(example, judged=judged)], [np.zeros(len(judged))])[-1][2] in (0.0, 1.0)


def test_few_of_each_source_are_taken_and_long_ones_left() -> None:
    some = examples()
    assert len(few_of_each(some, 2, 10**6)) == 2
    assert few_of_each(some, 2, 3) == []
