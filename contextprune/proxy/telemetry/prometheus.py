"""The sums as Prometheus metrics, made when they are asked for. Base units, counters end in `_total`, closed labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from contextprune._version import __version__
from contextprune.errors import MissingExtra
from contextprune.proxy.pool.base import PoolStatus
from contextprune.proxy.telemetry.series import BOUNDS, Sums

try:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
    from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
    from prometheus_client.exposition import generate_latest
    from prometheus_client.registry import Collector
except ImportError as exc:
    raise MissingExtra("the proxy's metrics", extra="proxy") from exc

__all__ = ["CONTENT_TYPE", "exposition"]

COUNTERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "requests": ("contextprune_requests", "Requests that are over.", ("route", "status", "reason")),
    "tokens": ("contextprune_tokens", "Tokens of requests, as received and as sent.", ("stage",)),
    "kinds": ("contextprune_kind_tokens", "The same by kind of text.", ("kind", "stage")),
    "new": ("contextprune_new_characters", "Characters of new results, decided or without time for that.", ("fate",)),
    "unknown": ("contextprune_unknown_results", "Results of earlier requests of which nothing was known.", ()),
    "shortened": ("contextprune_shortened", "Requests that got shorter, or would have in an audit.", ()),
    "dollars": ("contextprune_input_usd", "Cost of the input, as received and as sent, cache counted.", ("stage",)),
    "priced": ("contextprune_priced", "Requests whose model has a known price.", ()),
    "billed": ("contextprune_billed", "Requests to shorten that the provider answered, so that somebody pays.", ()),
    "counted": ("contextprune_counted", "Those of them whose tokens were counted so far.", ()),
    "reconciled": ("contextprune_reconciled", "Requests whose cost was compared with the provider's usage.", ()),
    "input": (
        "contextprune_reconciled_input_tokens",
        "Cost of their input, as sent, in tokens at the full input price, as modelled and as billed.",
        ("source",),
    ),
    "input_dollars": (
        "contextprune_reconciled_input_usd",
        "The same in US dollars, where prices are known.",
        ("source",),
    ),
    "missed": ("contextprune_cache_misses", "Requests that read less than their session had left in the cache.", ()),
    "epochs": ("contextprune_epochs", "Requests in which old blocks were decided anew.", ()),
    "usage": ("contextprune_provider_tokens", "Tokens as the provider counted them.", ("type",)),
    "told": ("contextprune_provider_usage", "Answers that said how many tokens they took.", ()),
    "upstream": ("contextprune_upstream_responses", "Answers of the providers.", ("provider", "code")),
    "retried": ("contextprune_retried", "Shortened requests refused with 400 and sent again as received.", ()),
    "gone": ("contextprune_client_disconnects", "Clients that left early.", ("phase",)),
    "bytes": ("contextprune_body_bytes", "Bytes of bodies on the wire, of requests and of answers.", ("direction",)),
}
"""Sums by their first word: the metric's name, its help, and its labels."""

HISTOGRAMS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "overhead": ("contextprune_overhead_seconds", "Time that contextprune added to a request.", ()),
    "first_byte": ("contextprune_upstream_ttfb_seconds", "Time until the provider's first byte.", ()),
    "total": ("contextprune_request_seconds", "Time of whole requests.", ()),
    "stage": ("contextprune_stage_seconds", "Time in the scorer process, by stage.", ("stage",)),
    "lag": ("contextprune_event_loop_lag_seconds", "How late the event loop came back.", ()),
}

GAUGES: Mapping[str, tuple[str, Callable[[PoolStatus], int]]] = {
    "queue_tokens": ("Tokens that wait for a scorer.", lambda status: status.queue_tokens),
    "waiting": ("Requests that wait for a scorer.", lambda status: status.waiting),
    "in_flight": ("Requests that a scorer works on.", lambda status: status.in_flight),
    "ready": ("Scorer processes that are up.", lambda status: status.ready),
    "restarts": ("Scorer processes that were started anew.", lambda status: status.restarts),
}
"""Numbers of the pool by name: their help, and where they stand."""

BREAKER = ("closed", "open", "half-open")


def exposition(sums: Sums, pool: PoolStatus | None, in_flight: int, *, silent: bool) -> bytes:
    """Everything as text in Prometheus' format, of type CONTENT_TYPE."""
    return generate_latest(_Scrape(sums, pool, in_flight, silent))


class _Scrape(Collector):
    """The metrics of one scrape."""

    def __init__(self, sums: Sums, pool: PoolStatus | None, in_flight: int, silent: bool) -> None:
        self._sums, self._pool, self._in_flight, self._silent = sums, pool, in_flight, silent

    def collect(self) -> Iterator[Metric]:
        yield from (_counter(self._sums, word) for word in COUNTERS)
        yield from (_histogram(self._sums, word) for word in HISTOGRAMS)
        yield GaugeMetricFamily("contextprune_in_flight", "Requests under way.", self._in_flight)
        silent = "1 while requests come and nothing has been shortened for long."
        yield GaugeMetricFamily("contextprune_canary", silent, int(self._silent))
        if self._pool is not None:
            yield from _pool(self._pool)
        build = GaugeMetricFamily("contextprune_build_info", "The version that runs.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build


def _counter(sums: Sums, word: str) -> Metric:
    name, text, labels = COUNTERS[word]
    family = CounterMetricFamily(name, text, labels=labels)
    keys = [key for key in sums.numbers if key[0] == word] or ([] if labels else [(word,)])
    for key in sorted(keys):
        family.add_metric(key[1:], sums.numbers.get(key, 0))
    return family


def _histogram(sums: Sums, word: str) -> Metric:
    name, text, labels = HISTOGRAMS[word]
    family = HistogramMetricFamily(name, text, labels=labels)
    for key, classes in sorted(sums.times.items()):
        if key[0] == word:
            ends = (*map(str, BOUNDS), "+Inf")
            buckets = list(zip(ends, accumulate(classes[:-1]), strict=True))
            family.add_metric(key[1:], buckets, classes[-1])
    return family


def _pool(status: PoolStatus) -> Iterator[Metric]:
    for name, (text, number) in GAUGES.items():
        kind = CounterMetricFamily if name == "restarts" else GaugeMetricFamily
        yield kind(f"contextprune_scorer_{name}", text, number(status))

    family = GaugeMetricFamily("contextprune_breaker_state", "1 at the state that it is in.", labels=("state",))
    for state in BREAKER:
        family.add_metric((state,), int(state == status.breaker))
    yield family
