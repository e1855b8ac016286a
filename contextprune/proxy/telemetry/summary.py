"""The summary of a stretch of time, made of its sums, for the dashboard and /stats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contextprune.proxy.job import Reason
from contextprune.proxy.telemetry.record import SHORTENED
from contextprune.proxy.telemetry.series import Key, Sums


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Cost of what was sent, as modelled and as the provider's usage says, of the requests that tell both.

    modelled, billed   in tokens that would cost as much at the full input price; *_dollars: where prices are known
    missed             requests that read less than their session had left in the cache; they are booked as losses
    """

    requests: int = 0
    modelled: float = 0.0
    billed: float = 0.0
    modelled_dollars: float = 0.0
    billed_dollars: float = 0.0
    missed: int = 0

    @property
    def difference(self) -> float | None:
        """The modelled cost over the billed one, minus 1; None where nothing was billed."""
        return self.modelled / self.billed - 1 if self.billed else None


@dataclass(frozen=True, slots=True)
class Summary:
    """Tokens, US dollars and seconds of the requests of a stretch of time; unknown ones are None.

    requests          those that are over; `eligible` those that contextprune is there to shorten
    shortened         that got shorter, or would have in an audit
    before, after     tokens received and sent, of the `counted` requests whose tokens were counted
    billed            requests to shorten that the provider answered, so that somebody pays; the sums are of these
    uncounted         those of them whose tokens nobody has counted yet, because they were late, or at all
    dollars_*         what the input costs without and with contextprune, the cache accounted for; of the `priced` ones
    reconciled        the model's cost beside the provider's
    fresh ... output  tokens as the provider counted them, in the `told` answers that said so
    overhead_*        what contextprune added to a request; first_byte_*: what the provider took for its first byte
    reasons           why requests went through as they came, by how many did
    answers           the providers' answers by class of status, such as "2xx"
    gone              clients that left early, by where
    retried           shortened requests that were refused with 400 and sent again as received
    epochs            requests in which old blocks were decided anew
    sessions          of days alone: sessions that sent a request; one that goes on over midnight counts on both days
    late              requests for which time was short, wholly or for some blocks
    decided           characters of new results that were decided; `undecided` of those for which there was no time
    """

    requests: int
    eligible: int
    shortened: int
    counted: int
    before: int
    after: int
    priced: int
    dollars_before: float
    dollars_after: float
    told: int
    fresh: int
    written: int
    read: int
    output: int
    reasoning: int
    overhead_p50: float | None
    overhead_p99: float | None
    first_byte_p50: float | None
    first_byte_p99: float | None
    reasons: Mapping[str, int]
    answers: Mapping[str, int]
    gone: Mapping[str, int]
    retried: int
    epochs: int
    sessions: int
    late: int
    decided: int
    undecided: int
    billed: int = 0
    uncounted: int = 0
    reconciled: Reconciled = Reconciled()

    @property
    def lost_share(self) -> float:
        """The share, 0..1, of what could have gone which was lost to lateness.

        By the size of new results: those for which there was no time are taken to be like all others.
        """
        return self.undecided / (self.decided + self.undecided) if self.undecided > 0 else 0.0

    @property
    def saved(self) -> int:
        """Tokens that were not sent."""
        return self.before - self.after

    @property
    def saved_share(self) -> float:
        """The share of the tokens, 0..1, that were not sent."""
        return self.saved / self.before if self.before else 0.0

    @property
    def dollars(self) -> float:
        """Dollars saved in the end; negative where the bill is higher."""
        return self.dollars_before - self.dollars_after

    @property
    def input(self) -> int:
        """Input tokens as the provider counted them."""
        return self.fresh + self.written + self.read


def summarise(sums: Sums) -> Summary:
    """The summary of these sums."""
    totals = sums.by_prefix()

    def count(*key: str) -> int:
        return round(totals.get(key, 0))

    return Summary(
        requests=count("requests"),
        eligible=sum(count("requests", route) for route in SHORTENED),
        shortened=count("shortened"),
        counted=count("counted"),
        before=count("tokens", "before"),
        after=count("tokens", "after"),
        priced=count("priced"),
        dollars_before=totals.get(("dollars", "before"), 0.0),
        dollars_after=totals.get(("dollars", "after"), 0.0),
        told=count("told"),
        fresh=count("usage", "fresh"),
        written=count("usage", "written"),
        read=count("usage", "read"),
        output=count("usage", "output"),
        reasoning=count("usage", "reasoning"),
        overhead_p50=sums.quantile(0.5, "overhead"),
        overhead_p99=sums.quantile(0.99, "overhead"),
        first_byte_p50=sums.quantile(0.5, "first_byte"),
        first_byte_p99=sums.quantile(0.99, "first_byte"),
        reasons=_reasons(sums),
        answers=_by(sums, "upstream", position=2),
        gone=_by(sums, "gone", position=1),
        retried=count("retried"),
        epochs=count("epochs"),
        sessions=count("sessions"),
        late=_late(sums),
        decided=count("new", "decided"),
        undecided=count("new", "undecided"),
        billed=count("billed"),
        uncounted=max(0, count("billed") - count("counted")),
        reconciled=_reconciled(totals),
    )


def _reconciled(totals: Mapping[Key, float]) -> Reconciled:
    sources = ("input", "modelled"), ("input", "billed"), ("input_dollars", "modelled"), ("input_dollars", "billed")
    modelled, billed, modelled_dollars, billed_dollars = (totals.get(source, 0.0) for source in sources)
    requests, missed = (round(totals.get((name,), 0)) for name in ("reconciled", "missed"))
    return Reconciled(requests, modelled, billed, modelled_dollars, billed_dollars, missed)


def _reasons(sums: Sums) -> dict[str, int]:
    """Reasons for which requests that could have been shortened were not, the most frequent first."""
    counts: dict[str, int] = {}
    for key, number in sums.numbers.items():
        if key[0] != "requests" or key[2] in ("applied", "audit"):
            continue
        if key[1] in SHORTENED or key[3] in (Reason.UNKNOWN_PATH, Reason.NO_UPSTREAM):
            reason = key[3] or key[2]
            counts[reason] = counts.get(reason, 0) + round(number)
    return _ranked(counts)


def _late(sums: Sums) -> int:
    """Requests that could have been shortened, and were late for all or a part of it."""
    requests = (key for key in sums.numbers if key[0] == "requests" and key[1] in SHORTENED)
    return round(sum(sums.numbers[key] for key in requests if key[3] == Reason.LATE))


def _by(sums: Sums, name: str, position: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key, number in sums.numbers.items():
        if key[0] == name:
            counts[key[position]] = counts.get(key[position], 0) + round(number)
    return _ranked(counts)


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
