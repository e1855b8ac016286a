from __future__ import annotations

from dataclasses import replace
from functools import cache

from contextprune.audit.find import Skipped
from contextprune.audit.total import Audit, audit
from contextprune.audit.wording import brief, notes, prices, reasons, scope, verdict
from contextprune.display.amounts import money, share
from tests.audit.logs import DATA, pruner


@cache
def found(model: str | None = None) -> Audit:
    return audit([str(DATA / "shell.json")], pruner(), model)


def turned(audited: Audit) -> Audit:
    """The same with both sides exchanged: a session that became dearer."""
    sessions = [
        replace(each, before=each.after, after=each.before, steps=tuple(
            step._replace(cost_before=step.cost_after, cost_after=step.cost_before) for step in each.steps
        ))
        for each in audited.sessions
    ]  # fmt: skip
    return replace(audited, sessions=tuple(sessions))


def test_uuids_in_names_are_cut_down() -> None:
    assert brief("my-app/3831d20e-ce9c-5911-ba39-c72ed820c562.jsonl part 2") == "my-app/3831d20e.jsonl part 2"


def test_the_verdict_says_what_would_have_been_saved() -> None:
    before, after = found().cost
    assert share(before - after, before) in verdict(found())
    assert money(before, priced=True) in verdict(found())
    assert verdict(found()).endswith("made no session dearer.")


def test_the_verdict_without_prices_names_no_dollars() -> None:
    assert "$" not in verdict(found("anthropic"))


def test_the_verdict_admits_that_a_session_became_dearer() -> None:
    assert verdict(turned(found())).endswith("next to nothing here. It would have made 1 session of 1 dearer.")


def test_a_prospect_of_nothing_is_said_as_such() -> None:
    same = found()
    steps = tuple(step._replace(cost_after=step.cost_before) for step in same.sessions[0].steps)
    flat = replace(same, sessions=(replace(same.sessions[0], steps=steps),))
    assert verdict(flat) == "contextprune would have saved next to nothing here, and made no session dearer."


def test_the_prices_are_named() -> None:
    assert prices(found()) == "Prices: gpt-4 (1 session)."
    assert "anthropic: cached input at 0.1x, input that enters the cache at 1.25x" in prices(found("anthropic"))


def test_the_notes_say_what_is_estimated_and_what_is_not_known() -> None:
    said = " ".join(notes(found()))
    for words in ("estimates", "recall", "replies", "warm from request to request"):
        assert words in said


def test_the_scope_counts_what_was_left_out() -> None:
    some = replace(found(), skipped=(Skipped("a", "old"), Skipped("b", "odd"), Skipped("c", "odd")))
    assert scope(some).endswith("; 3 files left out")
    assert "left out" not in scope(found())


def test_what_was_left_out_is_counted_by_reason_with_an_example() -> None:
    some = replace(found(), skipped=(Skipped("a", "old"), Skipped("b", "odd"), Skipped("c", "odd")))
    assert reasons(some) == [("odd", "2 files, such as", "b"), ("old", "1 file,", "a")]
