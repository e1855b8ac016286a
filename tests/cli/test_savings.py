"""The line at the end of a wrapped session says what was saved, or why nothing could be."""

from __future__ import annotations

from contextprune.cli.savings import savings
from contextprune.cli.stats import Stats, Traffic


def test_requests_that_lead_nowhere_are_told_from_those_that_never_came() -> None:
    stats = Stats(traffic=Traffic(reasons={"no_upstream": 2, "unknown_path": 1}))
    assert savings(stats, "claude") == (
        "3 of claude's requests have a path or a key that leads nowhere here; none was shortened"
    )


def test_an_agent_of_which_nothing_came_may_have_another_address_in_its_settings() -> None:
    assert savings(Stats(traffic=Traffic()), "claude") == (
        "no request of claude came through; its own settings may name another address"
    )


def test_what_was_shortened_is_told_in_tokens_and_in_money() -> None:
    traffic = Traffic(eligible=2, shortened=1, before=1000, after=600, priced=2, dollars_before=0.5, dollars_after=0.25)
    line = savings(Stats(mode="on", traffic=traffic), "codex")
    assert line == "2 requests; 1,000 input tokens became 600 (40% fewer); $0.25 less, the cache accounted for"
