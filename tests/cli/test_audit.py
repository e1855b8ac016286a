from __future__ import annotations

import pytest

from contextprune.cli.audit import patience_of, pruner_of, waits
from contextprune.policy import Policy
from contextprune.proxy.options import Options
from contextprune.scoring import load_scorer


@pytest.fixture(autouse=True)
def _no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "/nowhere/at/all")


@pytest.mark.parametrize("name", ["neural", "lexical"])
def test_it_has_the_scorer_of_the_settings_as_the_proxy_has(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_SCORER", name)
    assert pruner_of(Policy(), Options()).scorer.name == load_scorer(name).name


@pytest.mark.parametrize(("recall", "hints"), [("off", False), ("tool", True), ("mcp", True)])
def test_markers_name_keys_where_those_of_the_proxy_do(recall: str, hints: bool) -> None:
    assert pruner_of(Policy(), Options(recall=recall)).resources.hints is hints


def test_it_says_how_long_a_request_waits() -> None:
    assert "at most 0.7 s a request" in waits(Options(deadline=0.7))


def test_a_request_waits_as_long_as_one_of_the_proxy_with_the_same_options() -> None:
    patience = patience_of(Options(deadline=0.7))
    assert 0.0 < patience(0) <= patience(1_000_000) == 0.7
