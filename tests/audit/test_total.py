from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from contextprune.audit.measure import Flow
from contextprune.audit.total import TYPICAL, audit
from contextprune.errors import ContextPruneError, SettingsError
from tests.audit.logs import DATA, pruner, session, write


def test_the_totals_are_the_sums_of_the_sessions() -> None:
    found = audit([str(DATA / "swe.json"), str(DATA / "shell.json")], pruner())
    before, after = found.bills
    assert before.tokens == sum(each.before.tokens for each in found.sessions)
    assert after.tokens == sum(each.after.tokens for each in found.sessions)
    cost_before, cost_after = found.cost
    assert cost_before == pytest.approx(sum(each.cost_before for each in found.sessions))
    assert cost_after == pytest.approx(sum(each.cost_after for each in found.sessions))
    assert found.tools["bash"] == sum((each.tools["bash"] for each in found.sessions), Flow())
    assert found.requests == sum(len(each.steps) for each in found.sessions)


def test_what_is_no_session_is_left_out_with_its_reason() -> None:
    found = audit([str(DATA / name) for name in ("swe.json", "docs.json", "README.md")], pruner())
    assert [each.name for each in found.sessions] == ["swe.json"]
    assert {each.name: each.reason for each in found.skipped} == {
        "docs.json": "this is no context that we know",
        "README.md": "not JSON: Expecting value",
    }


def test_a_list_without_a_request_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")
    found = audit([str(tmp_path), str(DATA / "shell.json")], pruner())
    assert [tuple(each)[:2] for each in found.skipped] == [("empty.json", "no request in it")]


def test_an_earlier_state_of_a_session_is_not_counted_again(tmp_path: Path) -> None:
    body = json.loads((DATA / "swe.json").read_bytes())
    bodies = [{**body, "messages": body["messages"][:end]} for end in (2, 4, len(body["messages"]))]
    found = audit([str(write(tmp_path / "requests.jsonl", bodies))], pruner())
    alone = audit([str(DATA / "swe.json")], pruner())
    assert [each.name for each in found.sessions] == ["requests.jsonl:3"]
    assert found.bills == alone.bills
    assert len(found.skipped) == 2


def test_the_newest_sessions_come_first_up_to_the_limit(tmp_path: Path) -> None:
    for time, name in enumerate(("old", "middle", "new")):
        path = write(tmp_path / f"{name}.jsonl", session(1, goal=f"What of {name}?"))
        os.utime(path, (time, time))
    assert [each.name for each in audit([str(tmp_path)], pruner(), limit=2).sessions] == ["new.jsonl", "middle.jsonl"]


def test_prices_are_those_of_the_model_in_the_recording_or_of_the_one_asked_for() -> None:
    own = audit([str(DATA / "airline.anthropic.json")], pruner())
    asked = audit([str(DATA / "airline.anthropic.json")], pruner(), model="claude-opus-4-5")
    assert own.priced
    assert asked.priced
    assert "opus" in asked.sessions[0].tariff.name
    assert asked.cost[0] > own.cost[0]


def test_without_a_model_costs_are_relative_and_the_reason_is_said(tmp_path: Path) -> None:
    body = json.loads((DATA / "swe.json").read_bytes())
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(body["messages"]))
    found = audit([str(path), str(DATA / "shell.json")], pruner())
    unknown = next(each for each in found.sessions if each.name == "messages.json")
    assert unknown.tariff is TYPICAL
    assert not found.priced
    assert found.unpriced == ("the request names no model",)
    assert all(each.tariff.input != 1.0 or not each.priced for each in found.sessions)
    assert not any(each.priced for each in found.comparable)


def test_a_family_is_a_model_with_relative_prices() -> None:
    found = audit([str(DATA / "swe.json")], pruner(), model="openai-4o")
    assert not found.priced
    assert found.sessions[0].tariff.name == "openai-4o"


def test_a_model_without_prices_is_an_error_that_names_the_families() -> None:
    with pytest.raises(SettingsError, match=r"nonsense.*anthropic-fable"):
        audit([str(DATA / "swe.json")], pruner(), model="nonsense")


def test_nothing_found_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ContextPruneError, match=r"no session in .*notes.txt: neither"):
        audit([str(tmp_path)], pruner())


def test_an_audit_leaves_the_files_as_they_are(tmp_path: Path) -> None:
    data = (DATA / "swe.json").read_bytes()
    (tmp_path / "swe.json").write_bytes(data)
    audit([str(tmp_path)], pruner())
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("swe.json", data)]


def test_it_says_where_it_is() -> None:
    heard: list[str] = []
    audit([str(DATA / "shell.json")], pruner(), progress=heard.append)
    assert heard[0] == "file 1 of 1: shell.json"
    assert heard[-1].startswith("file 1 of 1: shell.json, request ")


def test_sessions_that_got_dearer_are_named() -> None:
    found = audit([str(DATA)], pruner())
    assert found.dearer == tuple(each for each in found.sessions if each.cost_after > each.cost_before)
