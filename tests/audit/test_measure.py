from __future__ import annotations

from dataclasses import replace

import pytest

from contextprune.audit.find import File
from contextprune.audit.measure import Flow, Session, audit_session, relative, title
from contextprune.audit.recordings import Recording, read_recordings
from contextprune.context import Context, Kind, Segment
from contextprune.money.tariff import FAMILIES, Bill, Piece, Tariff, charge
from contextprune.session.replay import replay
from contextprune.session.requests import boundaries
from tests.audit.logs import DATA, pruner

TARIFF = FAMILIES["anthropic"]
FILES = ["airline.anthropic.json", "shell.atif.json", "swe.claude-code.jsonl"]


def recorded(name: str) -> Recording:
    return next(read_recordings(File(DATA / name, name, 0.0)))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("family", ["anthropic", "openai-4o", "uncached"])
def test_the_bills_are_those_of_the_replayed_requests(name: str, family: str) -> None:
    recording, tariff = recorded(name), FAMILIES[family]
    found = audit_session(recording, pruner(), tariff, priced=False)
    before, after = Bill(), Bill()
    old: tuple[Piece, ...] = ()
    new: tuple[Piece, ...] = ()
    for request in replay(recording.context, pruner()):
        before += charge(old, request.before, tariff)
        after += charge(new, request.after, tariff)
        old, new = request.before, request.after
    assert (found.before, found.after) == (before, after)
    assert found.cost_before == pytest.approx(before.dollars(tariff))
    assert found.cost_after == pytest.approx(after.dollars(tariff))
    assert len(found.steps) == len(boundaries(recording.context))


@pytest.mark.parametrize("name", FILES)
def test_the_kinds_hold_all_that_was_sent(name: str) -> None:
    found = audit_session(recorded(name), pruner(), TARIFF, priced=False)
    total = sum(found.kinds.values(), Flow())
    assert total.before == found.before.tokens == sum(step.before for step in found.steps)
    assert total.after == found.after.tokens == sum(step.after for step in found.steps)
    results = found.kinds[Kind.TOOL_RESULT.value]
    assert sum(found.tools.values(), Flow()) == results


def test_a_block_is_brought_once_and_sent_again_with_each_later_request() -> None:
    recording = recorded("swe.json")
    found = audit_session(recording, pruner(), TARIFF, priced=False)
    requests = list(replay(recording.context, pruner()))
    largest = found.largest[0]
    segment = max(
        (i for i, s in enumerate(recording.context.segments) if s.kind is Kind.TOOL_RESULT),
        key=lambda i: sum(r.before[i][1] for r in requests if i < r.end),
    )
    carried = [r.before[segment][1] for r in requests if segment < r.end]
    assert (largest.tokens, largest.requests, largest.before) == (carried[0], len(carried), sum(carried))
    assert found.tools["bash"].resent == found.tools["bash"].before - found.tools["bash"].brought > 0


def test_after_a_long_pause_both_sides_start_with_an_empty_cache() -> None:
    recording = recorded("swe.json")
    ends = boundaries(recording.context)
    times = [0.0 if i < ends[5] - 1 else recording.lifetime + 1 for i in range(len(recording.context.segments))]
    warm = audit_session(recording, pruner(), TARIFF, priced=False)
    cold = audit_session(replace(recording, times=tuple(times)), pruner(), TARIFF, priced=False)
    assert [i for i, step in enumerate(cold.steps) if step.cold] == [5]
    assert not any(step.cold for step in warm.steps)
    assert cold.before.written - warm.before.written == warm.steps[4].before
    assert cold.after.written - warm.after.written == warm.steps[4].after
    assert cold.after.tokens == warm.after.tokens  # too early in the session for an epoch


def after_a_pause(seconds: float) -> Session:
    """A real session that works with no files, idle for so long before its eleventh request."""
    recording = recorded("airline.anthropic.json")
    begins = boundaries(recording.context)[10] - 1
    times = tuple(seconds * (i >= begins) for i in range(len(recording.context.segments)))
    return audit_session(replace(recording, times=times), pruner(), TARIFF, priced=False)


def test_a_pause_that_empties_the_cache_opens_an_epoch_that_rewrites_nothing() -> None:
    found, warm = after_a_pause(301.0), after_a_pause(299.0)
    assert [i for i, step in enumerate(found.steps) if step.cold] == [10]
    assert [i for i, step in enumerate(found.steps) if step.epoch] == [10]
    assert not any(step.epoch or step.cold for step in warm.steps)
    step, usual = found.steps[10], warm.steps[10]
    assert step.before == usual.before
    assert step.after < usual.after
    assert step.cost_before == pytest.approx(1.25 * step.before / 1e6)  # all of it is written, on both sides
    assert step.cost_after == pytest.approx(1.25 * step.after / 1e6)
    later = found.steps[11], warm.steps[11]
    assert later[0].cost_after < later[1].cost_after < later[1].cost_before == later[0].cost_before


def test_a_pause_within_the_lifetime_is_no_pause() -> None:
    recording = recorded("swe.json")
    times = tuple(290.0 * i for i in range(len(recording.context.segments)))
    patient = audit_session(replace(recording, times=times, lifetime=3600.0), pruner(), TARIFF, priced=False)
    assert not any(step.cold for step in patient.steps)


def test_each_request_is_told() -> None:
    heard: list[int] = []
    found = audit_session(recorded("shell.json"), pruner(), TARIFF, priced=False, progress=heard.append)
    assert heard == list(range(1, len(found.steps) + 1))


def test_a_largest_block_names_its_call() -> None:
    found = audit_session(recorded("long-session.json"), pruner(), TARIFF, priced=False)
    assert found.largest[0].tool == "sql"
    assert found.largest[0].call.startswith("SELECT Name, Population FROM city")


def test_a_title_is_what_a_person_said_first() -> None:
    harness = Segment(Kind.USER, "<system-reminder>be brief</system-reminder>", (0,))
    person = Segment(Kind.USER, "Fix\nthe  build", (1,))
    assert title(Context((harness, person))) == "Fix the build"
    assert title(Context((harness,))) == ""


def test_relative_costs_divide_dollars_by_the_price_of_input() -> None:
    dear = Tariff("dear", 5.0, 0.5, 6.25)
    priced = audit_session(recorded("shell.json"), pruner(), dear, priced=True)
    plain = audit_session(recorded("shell.json"), pruner(), TARIFF, priced=False)
    assert relative(priced).cost_before == pytest.approx(plain.cost_before)
    assert relative(priced).cost_after == pytest.approx(plain.cost_after)
    assert relative(plain) is plain
