"""Finished requests as OpenTelemetry spans and metrics, under the names of the GenAI conventions.

It uses the providers that are set up already, as `opentelemetry-instrument contextprune serve` does; without them, or
without the extra, there is nothing to do and nothing is done. Content is never part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from contextprune.errors import MissingExtra
from contextprune.proxy.telemetry import genai
from contextprune.proxy.telemetry.canary import Warned
from contextprune.proxy.telemetry.record import RequestRecord

try:
    from opentelemetry import metrics, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as exc:
    raise MissingExtra("OpenTelemetry", extra="otel") from exc

Attributes: TypeAlias = dict[str, str | bool | int | float]

_MODELS = 100  # different names of models that metrics have; further ones count as one
_OTHER = "_OTHER"


class Telemetry:
    """Turns records into spans and measurements. Providers default to the global ones."""

    def __init__(self, tracers: TracerProvider | None = None, meters: MeterProvider | None = None) -> None:
        self._tracer = (tracers or trace.get_tracer_provider()).get_tracer("contextprune")
        meter = (meters or metrics.get_meter_provider()).get_meter("contextprune")
        tokens, seconds = list(genai.TOKEN_BOUNDS), list(genai.SECOND_BOUNDS)

        self._tokens = meter.create_histogram(
            genai.TOKEN_USAGE,
            "{token}",
            "Tokens as the provider counted them.",
            explicit_bucket_boundaries_advisory=tokens,
        )
        self._duration = meter.create_histogram(
            genai.DURATION, "s", "Time of whole requests.", explicit_bucket_boundaries_advisory=seconds
        )
        self._first = meter.create_histogram(
            genai.TIME_TO_FIRST_CHUNK,
            "s",
            "Until the first byte of a stream.",
            explicit_bucket_boundaries_advisory=seconds,
        )
        self._overhead = meter.create_histogram(
            genai.OVERHEAD, "s", "Time that contextprune added.", explicit_bucket_boundaries_advisory=seconds
        )
        self._saved = meter.create_counter(genai.SAVED, "{token}", "Input tokens that were not sent.")
        self._models: set[str] = set()

    def finished(self, record: RequestRecord) -> None:
        """The span and the measurements of one request to a model."""
        if not record.eligible:
            return
        attributes = attributes_of(record)
        begun = int(record.started * 1e9)
        span = self._tracer.start_span(
            f"chat {record.answer.model}".strip(), _parent(record.trace), SpanKind.CLIENT, attributes, start_time=begun
        )
        if genai.ERROR in attributes:
            span.set_status(Status(StatusCode.ERROR))
        span.end(begun + int(record.total * 1e9))
        self._measure(record, attributes)

    def counted(self, record: RequestRecord) -> None:
        """Add what was saved; the span is closed."""
        self._count_saved(record)

    def silent(self, warned: Warned) -> None:
        """Do nothing: the log has it, and the conventions have no name for it."""

    def _measure(self, record: RequestRecord, attributes: Mapping[str, Any]) -> None:
        names = (genai.OPERATION, genai.PROVIDER, genai.ERROR)
        labels = {name: attributes[name] for name in names if name in attributes}
        labels[genai.REQUEST_MODEL] = self._model(record)

        self._duration.record(record.total, labels)
        self._overhead.record(record.overhead, {genai.STATUS: record.answer.status})
        if record.streamed and record.first_byte is not None:
            self._first.record(record.first_byte, labels)
        self._count_saved(record)
        if record.usage is not None:
            self._tokens.record(record.usage.input, {**labels, genai.TOKEN_TYPE: "input"})
            self._tokens.record(record.usage.output, {**labels, genai.TOKEN_TYPE: "output"})

    def _count_saved(self, record: RequestRecord) -> None:
        if record.answer.status == "applied" and record.saved:
            self._saved.add(record.saved, {genai.PROVIDER: record.provider or "unknown"})

    def _model(self, record: RequestRecord) -> str:
        """A model that a provider knows, out of a set that cannot grow without end."""
        model = record.answer.model
        if model not in self._models:
            if len(self._models) >= _MODELS or not 200 <= record.upstream < 300:
                return _OTHER
            self._models.add(model)
        return model


def configured() -> bool:
    """True where a provider of spans or metrics is set up in this process."""
    proxies = ("ProxyTracerProvider", "_ProxyMeterProvider", "NoOpTracerProvider", "NoOpMeterProvider")
    providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
    return any(type(provider).__name__ not in proxies for provider in providers)


def attributes_of(record: RequestRecord) -> Attributes:
    """The attributes of a span. `provider` is a name of the conventions, or the operator's own prefix."""
    answer = record.answer
    attributes: Attributes = {
        genai.OPERATION: "chat",
        genai.PROVIDER: record.provider or "unknown",
        genai.STATUS: answer.status,
        genai.MODE: record.mode,
        genai.BEFORE: answer.before,
        genai.AFTER: answer.after,
        genai.OVERHEAD: record.overhead,
        genai.EPOCH: answer.epoch,
    }
    texts = {
        genai.REQUEST_MODEL: answer.model,
        genai.CONVERSATION: record.session,
        genai.REASON: answer.reason,
    }
    attributes |= {name: text for name, text in texts.items() if text}

    if record.upstream:
        attributes[genai.HTTP_STATUS] = record.upstream
    if record.upstream >= 400 or not record.upstream:
        attributes[genai.ERROR] = str(record.upstream) if record.upstream else record.gone or "unreachable"
    if record.streamed and record.first_byte is not None:
        attributes[genai.FIRST_CHUNK] = record.first_byte

    if record.usage is not None:
        usage = record.usage
        attributes |= {genai.INPUT: usage.input, genai.OUTPUT: usage.output, genai.CACHE_READ: usage.read}
        attributes |= {genai.CACHE_WRITTEN: usage.written, genai.REASONING: usage.reasoning}
        if usage.model:
            attributes[genai.RESPONSE_MODEL] = usage.model
    return attributes


def _parent(traceparent: str) -> Context | None:
    return TraceContextTextMapPropagator().extract({"traceparent": traceparent}) if traceparent else None
