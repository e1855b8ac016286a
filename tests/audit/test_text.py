from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

from contextprune.audit.find import Skipped
from contextprune.audit.logged import Logged
from contextprune.audit.text import as_json, as_text
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
