"""The bill in a log, call by call, and the cost model beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contextprune.audit.billed import Billed, compare, uses_of
from contextprune.audit.find import File
from contextprune.audit.measure import Session, audit_session
from contextprune.audit.page import render_page
from contextprune.audit.recordings import read_recordings
from contextprune.audit.text import as_json, as_text
from contextprune.audit.total import Audit
from contextprune.money.reuse import Use
from contextprune.money.tariff import FAMILIES, Bill, Tariff
from tests.audit.logs import pruner, replied, said, write

TARIFF = Tariff("dear", 5.0, 0.5, 6.25, hour=10.0)
OPUS = "claude-opus-4-6"


def at(seconds: int) -> str:
    return f"2026-11-02T10:{seconds // 60:02}:{seconds % 60:02}Z"


def claude_log() -> list[dict[str, Any]]:
    """A call whose usage stands in two records, and one that comes 90 seconds later."""
    return [
        said("Why?", timestamp=at(0)),
        replied("Look.", 1, 0, 20_000, timestamp=at(5)),
        replied("Look.", 1, 0, 20_000, timestamp=at(9)),
        replied("Look again.", 2, 20_000, 500, timestamp=at(95)),
    ]


def codex_log() -> list[dict[str, Any]]:
    def counted(total: int, tokens: int, cached: int, seconds: int) -> dict[str, Any]:
        usage = {"input_tokens": tokens, "cached_input_tokens": cached, "output_tokens": 5}
        info = {"total_token_usage": {"input_tokens": total}, "last_token_usage": usage}
        return {"timestamp": at(seconds), "type": "event_msg", "payload": {"type": "token_count", "info": info}}

    model = {"timestamp": at(0), "type": "turn_context", "payload": {"model": "gpt-5.4"}}
    return [model, counted(9_000, 9_000, 0, 1), counted(9_000, 9_000, 0, 2), counted(19_000, 10_000, 8_960, 61)]


def test_the_records_of_one_claude_code_call_are_one_use() -> None:
    first, second = uses_of("claude-code", claude_log())
    assert (first.bill, first.pause) == (Bill(fresh=3, written=20_000), None)
    assert (second.bill, second.pause) == (Bill(fresh=3, written=500, read=20_000), 90.0)


def test_what_was_written_for_an_hour_is_read_from_the_usage() -> None:
    record = replied("Look.", 1, 0, 20_000)
    record["message"]["usage"]["cache_creation"] = {"ephemeral_1h_input_tokens": 19_000}
    (use,) = uses_of("claude-code", [record])
    assert use.bill == Bill(fresh=3, written=1_000, hour=19_000)


def test_a_codex_count_that_is_repeated_is_one_use() -> None:
    first, second = uses_of("codex", codex_log())
    assert (first.model, first.bill) == ("gpt-5.4", Bill(written=9_000))
    assert (second.bill, second.pause) == (Bill(written=1_040, read=8_960), 60.0)


@pytest.mark.parametrize("name", ["claude-code", "codex", "atif", "openai"])
def test_records_without_usage_have_no_uses(name: str) -> None:
    assert uses_of(name, [said("hi"), None, {"payload": 3}, {"message": {"usage": 4}}]) == ()


def test_the_model_stands_beside_the_bill() -> None:
    uses = [Use(OPUS, Bill(written=20_000)), Use(OPUS, Bill(written=21_000), 20.0)]
    billed = compare(uses, TARIFF)
    assert billed is not None
    assert (billed.billed, billed.modelled) == (Bill(written=41_000), Bill(written=21_000, read=20_000))
    assert billed.cost_billed == pytest.approx(41_000 * 6.25e-6)
    assert billed.cost_modelled == pytest.approx(21_000 * 6.25e-6 + 20_000 * 0.5e-6)
    assert billed.difference == pytest.approx(billed.cost_modelled / billed.cost_billed - 1)


def test_without_usage_there_is_no_bill() -> None:
    assert compare([], TARIFF) is None
    assert Billed().difference is None


def test_bills_add_up_and_change_their_unit() -> None:
    one = compare([Use(OPUS, Bill(written=20_000))], TARIFF)
    assert one is not None
    both = one + one
    assert (both.requests, both.billed) == (2, Bill(written=40_000))
    assert both.per(5.0).cost_billed == pytest.approx(1.25 * 0.04)


def audited(tmp_path: Any, records: list[dict[str, Any]], tariff: Tariff = TARIFF, *, priced: bool = True) -> Session:
    path = write(tmp_path / "log.jsonl", records)
    (recording,) = read_recordings(File(path, path.name, 0.0))
    return audit_session(recording, pruner(), tariff, priced=priced)


def test_an_audit_has_the_bill_beside_the_model(tmp_path: Any) -> None:
    whole = Audit((audited(tmp_path, claude_log()),), (), "c", "s")
    cost = (6 * 5 + 20_500 * 6.25 + 20_000 * 0.5) / 1e6
    assert as_json(whole)["billed"]["cost_billed"] == pytest.approx(cost)
    lines = as_text(whole).splitlines()
    assert next(line for line in lines if line.startswith("billed ")).split()[1:4] == ["6", "20,500", "20,000"]
    assert any(line.startswith("modelled ") for line in lines)
    assert "billed as recorded" in render_page(whole)


def test_an_audit_without_usage_has_no_bill(tmp_path: Any) -> None:
    records = [said("Why?"), {**replied("So.", 1), "message": {"role": "assistant", "content": "So."}}]
    whole = Audit((audited(tmp_path, records),), (), "c", "s")
    assert as_json(whole)["billed"]["requests"] == 0
    assert "Billed and modelled" not in as_text(whole)
    assert "billed as recorded" not in render_page(whole)


def test_a_session_that_paid_for_an_hour_is_replayed_at_that_price(tmp_path: Any) -> None:
    hourly = claude_log()
    for record in hourly[1:]:
        usage = record["message"]["usage"]
        usage["cache_creation"] = {"ephemeral_1h_input_tokens": usage["cache_creation_input_tokens"]}
    usual, longer = audited(tmp_path, claude_log()), audited(tmp_path, hourly)
    assert usual.before.hour == 0
    assert longer.before == replace(usual.before, written=0, hour=usual.before.written)


def test_relative_sessions_have_relative_bills(tmp_path: Any) -> None:
    known = audited(tmp_path, claude_log())
    unknown = audited(tmp_path, claude_log(), FAMILIES["anthropic"], priced=False)
    both = Audit((known, unknown), (), "c", "s")
    assert known.billed is not None
    assert unknown.billed is not None
    assert both.billed.cost_billed == pytest.approx(known.billed.cost_billed / 5.0 + unknown.billed.cost_billed)
