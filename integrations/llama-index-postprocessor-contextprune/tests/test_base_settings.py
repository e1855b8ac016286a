"""Settings of the postprocessor: which there are, and how they are saved and copied."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import contextprune as cp
from llama_index.postprocessor.contextprune import ContextPrunePostprocessor
from tests.scenes import BREAD, QUESTION, RIVER, TOWER, postprocessor, pruner, scored, texts, tokens


def test_settings_survive_serialisation() -> None:
    one = ContextPrunePostprocessor(
        cp.Budget(tokens=50), recall=0.8, scorer="lexical", keep_empty=True, title_keys=["name"]
    )
    for again in (
        ContextPrunePostprocessor.from_dict(one.to_dict()),
        ContextPrunePostprocessor.from_json(one.to_json()),
        pickle.loads(pickle.dumps(one)),
    ):
        assert again.to_dict() == one.to_dict()
        given = scored(RIVER, TOWER, BREAD)
        assert texts(again.postprocess_nodes(given, query_str=QUESTION)) == texts(
            one.postprocess_nodes(given, query_str=QUESTION)
        )
    assert one.to_dict()["class_name"] == "ContextPrunePostprocessor"


@pytest.mark.parametrize(
    "settings", [{"budget": 0}, {"budget": 1.5}, {"budget": {"tokens": -1}}, {"budget": "a"}, {"recall": 0.0}]
)
def test_nonsense_is_told_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(cp.SettingsError):
        ContextPrunePostprocessor(**settings)


def test_misspelt_settings_are_refused() -> None:
    wrong: dict[str, Any] = {"ratio": 0.3}
    with pytest.raises(TypeError, match="ratio"):
        ContextPrunePostprocessor(**wrong)


def test_a_share_of_three_tenths_is_the_budget_unless_another_is_given() -> None:
    given = scored(RIVER, TOWER, BREAD)
    assert 0 < tokens(postprocessor().postprocess_nodes(given, query_str=QUESTION)) <= 0.3 * tokens(given)


def test_copies_share_what_it_was_built_with_and_shorten_alike() -> None:
    one = postprocessor(budget=0.4)
    given = scored(RIVER, TOWER, BREAD)
    want = texts(one.postprocess_nodes(given, query_str=QUESTION))
    for again in (one.model_copy(deep=True), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert texts(again.postprocess_nodes(given, query_str=QUESTION)) == want


def test_a_pruner_has_its_own_recall_and_scorer() -> None:
    with pytest.raises(cp.SettingsError, match="not both"):
        ContextPrunePostprocessor(scorer="lexical", pruner=pruner())


def test_an_unknown_setting_is_told_at_once() -> None:
    with pytest.raises(cp.ScorerError):
        ContextPrunePostprocessor(scorer="no such folder")
