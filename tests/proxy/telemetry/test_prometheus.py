from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.monitor import Monitor
from tests.proxy.telemetry.sample_traffic import POOL, finished, monitor_of, passed

SECRETS = ("sk-ant-secret0123456789", "tenant-fingerprint", "session-id", 'evil"} 7\nname{x="', "claude-private-model")


def samples(monitor: Monitor) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(monitor.metrics().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }  # fmt: skip


def value(monitor: Monitor, name: str, **labels: str) -> float | None:
    return samples(monitor).get((name, frozenset(labels.items())))


def test_requests_are_counted_by_route_status_and_reason() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    passed(monitor, "late")
    passed(monitor, "late")
    count = "contextprune_requests_total"
    assert value(monitor, count, route="messages", status="applied", reason="") == 1
    assert value(monitor, count, route="messages", status="passed", reason="late") == 2


def test_tokens_money_and_the_providers_own_count_are_there() -> None:
    monitor, _ = monitor_of()
    finished(monitor)
    assert value(monitor, "contextprune_tokens_total", stage="before") == 40_000
    assert value(monitor, "contextprune_tokens_total", stage="after") == 14_000
    assert value(monitor, "contextprune_input_usd_total", stage="after") == pytest.approx(0.05)
    assert value(monitor, "contextprune_provider_tokens_total", type="read") == 12_000
    assert value(monitor, "contextprune_kind_tokens_total", kind="tool_result", stage="after") == 8000
    assert value(monitor, "contextprune_upstream_responses_total", provider="anthropic", code="2xx") == 1


def test_times_are_histograms() -> None:
    monitor, _ = monitor_of()
    for overhead in (0.0001, 0.021, 999.0):
        finished(monitor, overhead=overhead)
    monitor.lag(0.002)
    name = "contextprune_overhead_seconds"
    assert value(monitor, f"{name}_count") == 3
    assert value(monitor, f"{name}_sum") == pytest.approx(999.0211)
    assert value(monitor, f"{name}_bucket", le="0.03") == 2
    assert value(monitor, f"{name}_bucket", le="+Inf") == 3
    assert value(monitor, "contextprune_event_loop_lag_seconds_count") == 1
    assert value(monitor, "contextprune_stage_seconds_count", stage="fold") == 3


def test_the_state_of_the_scorers_and_the_canary_are_gauges() -> None:
    monitor, clock = monitor_of(Options(canary_minutes=1))
    monitor.pool = POOL
    monitor.begin()
    assert value(monitor, "contextprune_in_flight") == 1
    assert value(monitor, "contextprune_scorer_queue_tokens") == 1200
    assert value(monitor, "contextprune_scorer_restarts_total") == 1
    assert value(monitor, "contextprune_breaker_state", state="closed") == 1
    assert value(monitor, "contextprune_breaker_state", state="open") == 0
    assert value(monitor, "contextprune_canary") == 0
    for _ in range(20):
        clock.now += 5
        passed(monitor)
    assert value(monitor, "contextprune_canary") == 1


def test_nothing_from_outside_becomes_a_label() -> None:
    monitor, _ = monitor_of()
    evil = dict.fromkeys(("route", "status", "reason", "provider", "model", "session", "gone", "trace"), SECRETS[3])
    finished(monitor, **evil, kinds={SECRETS[3]: (5, 4)}, seconds={SECRETS[3]: 0.1}, keys=SECRETS)
    finished(monitor, **evil | {"route": "chat"}, kinds={SECRETS[3]: (5, 4)}, seconds={SECRETS[3]: 0.1}, keys=SECRETS)
    for secret in SECRETS:
        finished(monitor, model=secret, session=secret, keys=(secret,), heat=secret.encode())
        monitor.pool = replace(POOL, trouble=secret, breaker=secret)
    text = monitor.metrics().decode()
    assert not any(secret in text for secret in SECRETS)
    assert "evil" not in text


def test_a_proxy_that_has_seen_nothing_has_metrics() -> None:
    monitor, _ = monitor_of()
    found = samples(monitor)
    assert found["contextprune_retried_total", frozenset()] == 0
    assert any(name == "contextprune_build_info" for name, _ in found)


def test_names_have_base_units_and_never_grow_with_traffic() -> None:
    monitor, _ = monitor_of()
    for number in range(300):
        finished(monitor, model=f"model-{number}", session=f"s{number}", provider=f"/p{number}", upstream=200 + number)
    assert len(samples(monitor)) < 250
