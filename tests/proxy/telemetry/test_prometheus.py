from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Sight
from tests.proxy.telemetry.sample_traffic import FIGURES, finished, passed, sight_of

SECRETS = ("sk-ant-secret0123456789", "tenant-fingerprint", "session-id", 'evil"} 7\nname{x="', "claude-private-model")


def samples(sight: Sight) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(sight.metrics().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }  # fmt: skip


def value(sight: Sight, name: str, **labels: str) -> float | None:
    return samples(sight).get((name, frozenset(labels.items())))


def test_requests_are_counted_by_route_status_and_reason() -> None:
    sight, _ = sight_of()
    finished(sight)
    passed(sight, "late")
    passed(sight, "late")
    count = "contextprune_requests_total"
    assert value(sight, count, route="messages", status="applied", reason="") == 1
    assert value(sight, count, route="messages", status="passed", reason="late") == 2


def test_tokens_money_and_the_providers_own_count_are_there() -> None:
    sight, _ = sight_of()
    finished(sight)
    assert value(sight, "contextprune_tokens_total", stage="before") == 40_000
    assert value(sight, "contextprune_tokens_total", stage="after") == 14_000
    assert value(sight, "contextprune_input_usd_total", stage="after") == pytest.approx(0.05)
    assert value(sight, "contextprune_provider_tokens_total", type="read") == 12_000
    assert value(sight, "contextprune_kind_tokens_total", kind="tool_result", stage="after") == 8000
    assert value(sight, "contextprune_upstream_responses_total", provider="anthropic", code="2xx") == 1


def test_times_are_histograms() -> None:
    sight, _ = sight_of()
    for overhead in (0.0001, 0.021, 999.0):
        finished(sight, overhead=overhead)
    sight.lag(0.002)
    name = "contextprune_overhead_seconds"
    assert value(sight, f"{name}_count") == 3
    assert value(sight, f"{name}_sum") == pytest.approx(999.0211)
    assert value(sight, f"{name}_bucket", le="0.03") == 2
    assert value(sight, f"{name}_bucket", le="+Inf") == 3
    assert value(sight, "contextprune_event_loop_lag_seconds_count") == 1
    assert value(sight, "contextprune_stage_seconds_count", stage="fold") == 3


def test_the_state_of_the_scorers_and_the_canary_are_gauges() -> None:
    sight, clock = sight_of(Options(canary_minutes=1))
    sight.gauges(FIGURES)
    sight.begin()
    assert value(sight, "contextprune_in_flight") == 1
    assert value(sight, "contextprune_scorer_queue_tokens") == 1200
    assert value(sight, "contextprune_scorer_restarts_total") == 1
    assert value(sight, "contextprune_breaker_state", state="closed") == 1
    assert value(sight, "contextprune_breaker_state", state="open") == 0
    assert value(sight, "contextprune_canary") == 0
    for _ in range(20):
        clock.now += 5
        passed(sight)
    assert value(sight, "contextprune_canary") == 1


def test_nothing_from_outside_becomes_a_label() -> None:
    sight, _ = sight_of()
    evil = dict.fromkeys(("route", "status", "reason", "provider", "model", "session", "gone", "trace"), SECRETS[3])
    finished(sight, **evil, kinds={SECRETS[3]: (5, 4)}, seconds={SECRETS[3]: 0.1}, keys=SECRETS)
    finished(sight, **evil | {"route": "chat"}, kinds={SECRETS[3]: (5, 4)}, seconds={SECRETS[3]: 0.1}, keys=SECRETS)
    for secret in SECRETS:
        finished(sight, model=secret, session=secret, keys=(secret,), heat=secret.encode())
        sight.gauges({**FIGURES, "trouble": secret, "breaker": secret, secret: 1})
    text = sight.metrics().decode()
    assert not any(secret in text for secret in SECRETS)
    assert "evil" not in text


def test_a_proxy_that_has_seen_nothing_has_metrics() -> None:
    sight, _ = sight_of()
    found = samples(sight)
    assert found["contextprune_retried_total", frozenset()] == 0
    assert any(name == "contextprune_build_info" for name, _ in found)


def test_names_have_base_units_and_never_grow_with_traffic() -> None:
    sight, _ = sight_of()
    for number in range(300):
        finished(sight, model=f"model-{number}", session=f"s{number}", provider=f"/p{number}", upstream=200 + number)
    assert len(samples(sight)) < 250
