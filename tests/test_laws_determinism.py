"""Law 9: the same input gives the same bytes, whatever the process, the thread, and what was compressed before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from tests.nightly import NIGHTLY
from tests.strategies import LEXICAL, NEURAL, Hashed, budgets, documents, payloads, pruner, samples

maybe_a_budget = st.none() | budgets()

_IN_A_FRESH_PROCESS = """
import json, sys
from tests.test_laws_determinism import everything
sys.stdout.write(json.dumps(everything()))
"""


def everything() -> list[Any]:
    """What the samples come to with either shipped scorer, with and without a budget, keys included."""
    return [_everything(pruner(scorer)) for scorer in (LEXICAL, NEURAL)]


def _everything(engine: cp.Pruner) -> list[Any]:
    runs = [cp.compress(body, budget, pruner=engine) for body in samples() for budget in (None, cp.Budget(ratio=0.3))]
    texts = [cp.Document(str(part["content"]), id=f"d{i}") for i, part in enumerate(samples()[0]["messages"])]
    pruned = cp.prune_documents(texts, "why does billing fail", cp.Budget(ratio=0.4), engine).documents
    return [[run.payload for run in runs], [[d.text, d.kept, d.merged] for d in pruned]]


@pytest.mark.parametrize("seed", ["0", "4711", *(["1"] if NIGHTLY else [])])
def test_another_process_with_another_hash_seed_and_number_of_threads_gives_the_same_bytes(seed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_FRESH_PROCESS],
        env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": str(1 + len(seed) % 2)},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == json.dumps(everything())


@given(payloads(), maybe_a_budget)
def test_twice_gives_the_same_bytes(payload: Any, budget: cp.Budget | None) -> None:
    assert _bytes(payload, budget, pruner()) == _bytes(payload, budget, pruner())


@given(st.lists(payloads(), max_size=3), maybe_a_budget, st.randoms(use_true_random=False))
def test_what_was_compressed_before_makes_no_difference(
    bodies: list[Any], budget: cp.Budget | None, random: Any
) -> None:
    engine = pruner(Hashed())
    expected = [_bytes(body, budget, pruner(Hashed())) for body in bodies]
    order = list(range(len(bodies)))
    random.shuffle(order)
    found = {i: _bytes(bodies[i], budget, engine) for i in order}
    assert [found[i] for i in range(len(bodies))] == expected


@given(documents(), st.randoms(use_true_random=False))
def test_documents_of_other_calls_make_no_difference(given_: list[cp.Document], random: Any) -> None:
    engine = pruner()
    cp.prune_documents(random.sample(given_, len(given_)), "billing", cp.Budget(ratio=0.5), engine)
    again = cp.prune_documents(given_, "billing", cp.Budget(ratio=0.5), engine).documents
    assert again == cp.prune_documents(given_, "billing", cp.Budget(ratio=0.5), pruner()).documents


def test_threads_that_share_a_pruner_give_the_same_bytes() -> None:
    engine = pruner()
    bodies = [body for body in samples() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda body: _bytes(body, cp.Budget(ratio=0.3), engine), bodies))
    assert found == [_bytes(body, cp.Budget(ratio=0.3), pruner()) for body in bodies]


def _bytes(payload: Any, budget: cp.Budget | None, engine: cp.Pruner) -> str:
    try:
        return json.dumps(cp.compress(payload, budget, pruner=engine).payload)
    except cp.BudgetError as error:
        return str(error)
