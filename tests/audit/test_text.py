from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from contextprune.audit.find import Skipped
from contextprune.audit.logged import Logged
from contextprune.audit.sight import Sight, Unseen
from contextprune.audit.text import UNSEEN, as_json, as_text
from contextprune.audit.total import Audit, audit
from contextprune.display.amounts import money, share
from tests.audit.logs import DATA, pruner


@cache
def found(model: str | None = None) -> Audit:
    return audit([str(DATA / name) for name in ("airline.anthropic.json", "swe.claude-code.jsonl")], pruner(), model)


def test_the_headline_has_the_figures_of_the_audit() -> None:
    old, new = found().bills
    before, after = found().cost
    lines = as_text(found()).splitlines()
    tokens = next(line for line in lines if line.startswith("input tokens sent"))
    cost = next(line for line in lines if line.startswith("cost of the input"))
    assert tokens.split()[3:5] == [f"{old.tokens:,}", f"{new.tokens:,}"]
    assert cost.split()[4:] == [money(before, priced=True), money(after, priced=True), share(before - after, before)]


def test_every_tool_and_kind_and_session_has_its_line() -> None:
    said = as_text(found())
    for name in [*found().kinds, *list(found().tools)[:8], *(session.name for session in found().sessions)]:
        assert f"\n{name}" in said
    for heading in ("By tool", "By kind", "Largest wasters", "Dearest sessions", "Notes"):
        assert f"\n\n{heading}" in said


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("model", [None, "anthropic"])
def test_lines_keep_to_the_width(width: int, model: str | None) -> None:
    assert max(map(len, as_text(found(model), width).splitlines())) <= width


def test_headings_are_marked_on_request() -> None:
    assert "<By tool, in tokens>" in as_text(found(), bold=lambda text: f"<{text}>")


def test_what_the_provider_logged_stands_beside_it() -> None:
    session = replace(found().sessions[0], logged=Logged(2, fresh=10, written=10, read=80, output=5))
    said = as_text(replace(found(), sessions=(session,)))
    assert next(line for line in said.splitlines() if "as logged" in line).split() == ["as", "logged", "80.0%"]


def test_control_characters_of_names_do_not_reach_the_terminal() -> None:
    session = replace(found().sessions[0], name="a\x1b[31m", title="b\x07", tools={"c\x1b]0;": found().tools["bash"]})
    evil = replace(found(), sessions=(session,), skipped=(Skipped("d\x1b", "e\x1b"),))
    assert "\x1b" not in as_text(evil)
    assert "\x07" not in as_text(evil)


def test_the_json_has_every_figure() -> None:
    figures = json.loads(json.dumps(as_json(found())))
    before, after = found().cost
    assert figures["cost"] == {"before": before, "after": after, "saved": before - after}
    assert figures["sessions"] == len(figures["each"]) == len(found().sessions)
    assert figures["tokens"]["before"] == {
        name: sum(session["before"][name] for session in figures["each"])
        for name in ("fresh", "written", "read", "hour")
    }
    assert sum(len(session["steps"]) for session in figures["each"]) == figures["requests"]


THING = Unseen("total = price", "a" * 36 + ".jsonl", 12, "Edit", "Read", "src/billing.py", line=88, since=5)


def with_sight(used: int, *things: Unseen) -> Audit:
    session = replace(found().sessions[0], sight=Sight(used, things))
    return replace(found(), sessions=(session,))


def test_what_was_not_in_sight_is_named_with_its_use_and_its_place() -> None:
    said = " ".join(as_text(with_sight(214, THING, THING)).split())
    assert "Of 214 paths, ids and lines that your agent used later, 212 were in sight when it did; the other 2:" in said
    assert "'total = price' in request 12 of " in said
    assert "used by Edit; cut from line 88 of Read: src/billing.py (sent since request 5)" in said
    assert "`contextprune recall KEY` prints it" in said


def test_where_all_was_in_sight_nothing_is_listed() -> None:
    said = as_text(with_sight(3))
    assert "3 were in sight when it did: all of them." in said
    assert "contextprune recall" not in said


def test_no_more_than_a_few_things_are_listed_one_by_one() -> None:
    said = as_text(with_sight(100, *[THING] * 40))
    assert said.count("total = price") == UNSEEN
    assert "- and 35 more, which --json lists" in said


def test_a_thing_with_control_characters_does_not_reach_the_terminal() -> None:
    assert "\x1b" not in as_text(with_sight(1, replace(THING, text="a\x1b[31m", call="b\x1b", tool="c\x1b")))


def test_the_table_over_recall_marks_the_row_in_force_and_says_how_many_sessions_it_is_about() -> None:
    table = audit([str(DATA / name) for name in ("airline.json", "swe.json")], pruner(), compare=1)
    said = as_text(table)
    assert "By recall, over 1 session of 2, the newest" in said
    for row in table.compared:
        assert f"\n{row.label}  " in said
        assert f"{row.sight.in_sight:,} of {row.sight.used:,}" in said
    assert "0.95 (in force)" in said


def test_late_requests_are_in_the_notes_with_how_long_they_might_have_waited() -> None:
    steps = tuple(step._replace(late=number < 2, seconds=0.2) for number, step in enumerate(found().sessions[0].steps))
    late = replace(found(), sessions=(replace(found().sessions[0], steps=steps),), waits="at most 0.1 s")
    said = " ".join(as_text(late).split())
    assert "at most 0.1 s. Decisions took 200 ms a request (median), 200 ms at most; for 2 requests" in said


def test_the_json_lists_every_thing_that_was_not_in_sight() -> None:
    figures = as_json(with_sight(100, *[THING] * 40))
    assert (figures["used_later"]["used"], figures["used_later"]["in_sight"]) == (100, 60)
    assert figures["used_later"]["unseen"][39]["line"] == 88
