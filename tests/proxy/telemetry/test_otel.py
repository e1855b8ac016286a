from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from contextprune.proxy.telemetry import genai
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.otel import Telemetry, configured
from tests.proxy.telemetry.sample_traffic import NOON, finished, monitor_of, passed, record_of

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Seen:
    """A telemetry with an exporter and a reader that keep everything."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._tracers = TracerProvider()
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self._meters = MeterProvider([self._reader])
        self.telemetry = Telemetry(self._tracers, self._meters)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [point for metric in metrics if metric.name == name for point in metric.data.data_points]

    def close(self) -> None:
        self._tracers.shutdown()
        self._meters.shutdown()


@pytest.fixture
def seen() -> Iterator[Seen]:
    found = Seen()
    yield found
    found.close()


def test_a_request_is_a_span_under_the_conventions_names(seen: Seen) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    finished(monitor, trace=TRACE)
    (span,) = seen.spans
    assert span.name == "chat claude-opus-4-5"
    assert span.attributes is not None
    told = {
        genai.OPERATION: "chat", genai.PROVIDER: "anthropic", genai.REQUEST_MODEL: "claude-opus-4-5",
        genai.RESPONSE_MODEL: "claude-opus-4-5", genai.INPUT: 14_000, genai.OUTPUT: 500, genai.CACHE_READ: 12_000,
        genai.CACHE_WRITTEN: 1000, genai.REASONING: 100, genai.FIRST_CHUNK: 0.9, genai.HTTP_STATUS: 200,
        genai.BEFORE: 40_000, genai.AFTER: 14_000, genai.STATUS: "applied",
    }  # fmt: skip
    assert told.items() <= dict(span.attributes).items()
    assert span.start_time == int(NOON * 1e9)
    assert span.end_time == int(NOON * 1e9) + int(4.2e9)


def test_the_clients_trace_is_the_parent(seen: Seen) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    finished(monitor, trace=TRACE)
    finished(monitor, trace="nonsense")
    first, second = seen.spans
    assert first.parent is not None
    assert f"{first.parent.trace_id:032x}-{first.parent.span_id:016x}" == TRACE[3:-3]
    assert second.parent is None


@pytest.mark.parametrize(
    ("upstream", "gone", "error"), [(529, "", "529"), (0, "waiting", "waiting"), (0, "", "unreachable")]
)
def test_a_failure_has_its_type(seen: Seen, upstream: int, gone: str, error: str) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    passed(monitor, "late", upstream=upstream, gone=gone, usage=None)
    (span,) = seen.spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes[genai.ERROR] == error


def test_tokens_and_times_are_measured(seen: Seen) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    finished(monitor)
    tokens = {point.attributes[genai.TOKEN_TYPE]: point.sum for point in seen.points(genai.TOKEN_USAGE)}
    assert tokens == {"input": 14_000, "output": 500}
    assert seen.points(genai.DURATION)[0].sum == 4.2
    assert seen.points(genai.TIME_TO_FIRST_CHUNK)[0].sum == 0.9
    assert seen.points(genai.SAVED)[0].value == 26_000


def test_measurements_have_a_bounded_number_of_models(seen: Seen) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    for number in range(300):
        finished(monitor, model=f"model-{number}")
    passed(monitor, "late", model="never-heard-of", upstream=404)
    models = {point.attributes[genai.REQUEST_MODEL] for point in seen.points(genai.DURATION)}
    assert len(models) == 101
    assert "never-heard-of" not in models


def test_what_is_only_relayed_leaves_no_trace(seen: Seen) -> None:
    seen.telemetry.finished(record_of(route="other", model="m"))
    seen.telemetry.silent(Warned(1.0, 1, ()))
    assert seen.spans == ()


def test_no_content_and_no_key_is_in_a_span(seen: Seen) -> None:
    monitor, _ = monitor_of(None, None, seen.telemetry)
    finished(monitor, heat=b"the user's words", keys=("recall-key",))
    assert not any(word in seen.spans[0].to_json() for word in ("words", "recall-key"))


def test_without_providers_it_does_nothing() -> None:
    assert not configured()
    monitor, _ = monitor_of(None, None, Telemetry())
    finished(monitor)
