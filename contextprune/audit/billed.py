"""What the provider billed for the requests of a recording, request by request, beside what the cost model makes of it.

The model is given their sizes and times and what the first one read: so its difference from the bill says how far the
costs of the replay can be trusted, which rest on the same prices and lifetimes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from contextprune.audit.logged import count
from contextprune.money.reuse import Use, predict, use_of
from contextprune.money.tariff import Bill, Tariff


class _Call(NamedTuple):
    """One call of the model in a log; `time` in seconds since 1970, None where the log does not say."""

    model: str
    counts: Bill
    time: float | None


@dataclass(frozen=True, slots=True)
class Billed:
    """Input of the requests whose usage a log has: as billed, and as the cost model reckons it.

    cost_billed, cost_modelled   US dollars, or millions of tokens at the full input price where prices are relative
    """

    requests: int = 0
    billed: Bill = field(default_factory=Bill)
    modelled: Bill = field(default_factory=Bill)
    cost_billed: float = 0.0
    cost_modelled: float = 0.0

    def __add__(self, more: Billed) -> Billed:
        return Billed(
            self.requests + more.requests,
            self.billed + more.billed,
            self.modelled + more.modelled,
            self.cost_billed + more.cost_billed,
            self.cost_modelled + more.cost_modelled,
        )

    @property
    def difference(self) -> float | None:
        """The modelled cost over the billed one, minus 1; None where nothing was billed."""
        return self.cost_modelled / self.cost_billed - 1 if self.cost_billed else None

    def per(self, price: float) -> Billed:
        """The same with costs in units of a price."""
        return Billed(self.requests, self.billed, self.modelled, self.cost_billed / price, self.cost_modelled / price)


def compare(uses: Sequence[Use], tariff: Tariff) -> Billed | None:
    """The bill of a recording's requests beside the model's; None where it has no usage."""
    if not uses:
        return None
    billed = sum((use.bill for use in uses), Bill())
    modelled = sum((expected.bill for expected in predict(uses)), Bill())
    return Billed(len(uses), billed, modelled, billed.dollars(tariff), modelled.dollars(tariff))


def uses_of(name: str, records: Sequence[Any]) -> tuple[Use, ...]:
    """The usage of each call in the records of a log, named by its format, with the pauses between calls."""
    calls = [call for call in _CALLS[name](records) if call.counts.tokens] if name in _CALLS else []
    pauses = [None, *(_pause(earlier.time, later.time) for earlier, later in pairwise(calls))]
    return tuple(use_of(call.model, call.counts, pause) for call, pause in zip(calls, pauses, strict=False))


def _of_claude_code(records: Sequence[Any]) -> Iterator[_Call]:
    """The calls of a Claude Code log. Records of one call repeat its usage: the last one counts, and the first time."""
    calls: dict[Any, _Call] = {}
    for index, record in enumerate(records):
        message = _mapping(_mapping(record).get("message"))
        usage = message.get("usage")
        if isinstance(usage, Mapping):
            id_ = message.get("id") or record.get("requestId") or index
            time = calls[id_].time if id_ in calls else _time(record)
            calls[id_] = _Call(str(message.get("model") or ""), _counts(usage), time)
    yield from calls.values()


def _counts(usage: Mapping[str, Any]) -> Bill:
    """What Anthropic's usage says: what entered the cache, for minutes or for an hour, and what did not."""
    written = count(usage.get("cache_creation_input_tokens"))
    hour = min(written, count(_mapping(usage.get("cache_creation")).get("ephemeral_1h_input_tokens")))
    return Bill(
        fresh=count(usage.get("input_tokens")),
        written=written - hour,
        read=count(usage.get("cache_read_input_tokens")),
        hour=hour,
    )


def _of_codex(records: Sequence[Any]) -> Iterator[_Call]:
    """The calls of a Codex rollout, a repeated count once."""
    model, last = "", None
    for record in records:
        payload = _mapping(_mapping(record).get("payload"))
        if isinstance(payload.get("model"), str):
            model = payload["model"]
        info = _mapping(payload.get("info")) if payload.get("type") == "token_count" else {}
        usage = info.get("last_token_usage")
        if isinstance(usage, Mapping) and info.get("total_token_usage") != last:
            last = info.get("total_token_usage")
            tokens, read = count(usage.get("input_tokens")), count(usage.get("cached_input_tokens"))
            yield _Call(model, Bill(fresh=max(0, tokens - read), read=min(read, tokens)), _time(record))


_CALLS = {"claude-code": _of_claude_code, "codex": _of_codex}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _time(record: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(_mapping(record).get("timestamp"))).timestamp()
    except (ValueError, OverflowError):
        return None


def _pause(earlier: float | None, later: float | None) -> float | None:
    return None if earlier is None or later is None else max(0.0, later - earlier)
