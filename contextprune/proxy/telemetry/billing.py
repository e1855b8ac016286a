"""The cost of a request's input: as reckoned from its bytes, and as the provider's own counts say.

Where an answer carries usage, that is what was paid. The other side, which was never sent, is reckoned in the same
count of tokens: what other sessions had left in the cache it would have read as well, and what the client itself
changed it would have missed as well. A miss for neither reason is a loss of ours.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from contextprune.money.reuse import SHRUNK, Line, State, counts_writes, use_of
from contextprune.money.tariff import MTOK, Bill, Tariff, family_of
from contextprune.proxy.job import Answer, Four
from contextprune.proxy.telemetry.usage import Usage

LARGEST_SCALE = 5.0  # provider's tokens for one of ours, or ours for one of its: beyond, it counted another text
SESSIONS = 2000  # whose last requests are remembered
NEAR_END = 3 * 8  # characters of a trail: a client may take back what it added to its last two requests


@dataclass(frozen=True, slots=True)
class Billing:
    """Money of one request's input, in tokens that would cost as much at the full input price.

    before     what the client's own bytes cost or would have cost
    after      what contextprune made of them; in an audit, what they would have cost so
    modelled   what was sent, as reckoned, in the provider's count of tokens; None where it told nothing
    billed     what was sent, as it told
    usd        US dollars of one such token; None where the model has no known price
    missed     less was read than the session's last request had left in the cache, and than was reckoned: a loss
    """

    before: float
    after: float
    modelled: float | None = None
    billed: float | None = None
    usd: float | None = None
    missed: bool = False

    @property
    def dollars(self) -> tuple[float, float] | None:
        """US dollars before and after; None where the model has no known price."""
        return None if self.usd is None else (self.before * self.usd, self.after * self.usd)


def billing_of(answer: Answer, usage: Usage | None, *, retried: bool = False, missed: bool = False) -> Billing | None:
    """The money of a request; None where nobody counted its tokens.

    retried   the provider refused the shortened version, and took the original
    missed    less was read from the cache than the session's last request had left there
    """
    if answer.bills is None or answer.prices is None:
        return None
    tariff, usd = _relative(answer.prices), answer.prices[0] / MTOK if answer.dollars is not None else None
    before, after = (Bill(fresh, written, read, hour) for fresh, written, read, hour in answer.bills)
    after = before if retried else after
    audit = answer.status == "audit"
    sent, unsent = (before, after) if audit else (after, before)

    paid = _paid(answer.model, usage) if usage is not None else Bill()
    scale = paid.tokens / sent.tokens if sent.tokens else 0.0
    if not 1 / LARGEST_SCALE <= scale <= LARGEST_SCALE:
        return Billing(before.priced(tariff), after.priced(tariff), usd=usd)

    sent, unsent = _scaled(sent, scale), _scaled(unsent, scale)
    missed = missed and not audit and paid.read < SHRUNK * sent.read
    head = round(scale * _head_tokens(answer))
    billed, avoided = paid.priced(tariff), _as_read(unsent, sent, paid, head, missed=missed).priced(tariff)
    costs = (billed, avoided) if audit else (avoided, billed)
    if before == after and not missed:
        costs = billed, billed
    return Billing(*costs, modelled=sent.priced(tariff), billed=billed, usd=usd, missed=missed)


def with_counts(answer: Answer, counts: Answer) -> Answer:
    """An answer with the tokens and the money of another, which came later; its context where it has none."""
    return replace(
        answer,
        model=answer.model or counts.model,
        before=counts.before,
        after=counts.after,
        kinds=counts.kinds,
        dollars=counts.dollars,
        bills=counts.bills,
        prices=counts.prices,
        new=counts.new,
        unknown=counts.unknown,
        heat=answer.heat or counts.heat,
        trail=answer.trail or counts.trail,
    )


@dataclass(slots=True)
class _Session:
    """A session's line of requests, when the last one began, its trail, and whether any was shortened or cached."""

    line: Line
    started: float
    shortened: bool = False
    caches: bool = False
    trail: str = ""

    def goes_on(self, trail: str) -> bool:
        """Note a request's trail; whether its client sends what it sent before, all but the last requests' ends."""
        last, self.trail = self.trail, trail
        return not last or not trail or not _hashes(trail).isdisjoint(_hashes(last[-NEAR_END:]))


class Sessions:
    """The last request of each session, to tell a miss that had no reason from a cache that had expired."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[tuple[str, str], _Session] = OrderedDict()

    def misses(self, session: str, answer: Answer, usage: Usage, started: float) -> bool:
        """Note a request; whether it read less from the cache than the session's last one had left there.

        False, too, as long as nothing of the session was shortened, where the client changed what it had sent, and
        where nothing ever gets into a cache: then the miss is not ours. `started` is in seconds since 1970.
        """
        if not session or not usage.input:
            return False
        model = usage.model or answer.model
        state = self._sessions.pop((session, model), None) or _Session(Line(model), started)
        state.shortened = state.shortened or answer.status == "applied"
        if usage.hour:
            state.line.keep_for_hour()

        expected = state.line.expect(model, usage.input, max(0.0, started - state.started), family_of(model))
        state.caches = state.caches or usage.read > 0
        state.line.sent(_left_in_cache(model, usage, caches=state.caches))
        state.started = started
        repeats = state.goes_on(answer.trail)
        self._sessions[session, model] = state
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return (
            state.shortened and repeats and expected.state is State.GOES_ON and usage.read < SHRUNK * expected.bill.read
        )


def _hashes(trail: str) -> set[str]:
    return {trail[at : at + 8] for at in range(0, len(trail), 8)}


def _relative(prices: Four[float]) -> Tariff:
    """The prices, the full input price being 1."""
    fresh, write, read, hour = prices
    unit = fresh or 1.0
    return Tariff("", fresh / unit, read / unit, write / unit, hour=hour / unit)


def _paid(model: str, usage: Usage) -> Bill:
    return use_of(model, Bill(usage.fresh, usage.written - usage.hour, usage.read, usage.hour)).bill


def _scaled(bill: Bill, scale: float) -> Bill:
    """The same shares of as many tokens as the provider counts."""
    return Bill(*(round(scale * tokens) for tokens in (bill.fresh, bill.written, bill.read, bill.hour)))


def _left_in_cache(model: str, usage: Usage, *, caches: bool) -> int:
    """Tokens that a request left in the cache. `caches`: something was read from it in this session.

    Anthropic's go as far as the client's last breakpoint, and there are none where it sets none. Others say what they
    read alone, and those that cache nothing say 0 for ever.
    """
    if counts_writes(model):
        return usage.read + usage.written
    return usage.input if caches else 0


def _head_tokens(answer: Answer) -> int:
    """Tokens of instructions and tools, which stand first and are never shortened."""
    return sum(answer.kinds[kind][1] for kind in ("system", "tools") if kind in answer.kinds)


def _as_read(unsent: Bill, reckoned: Bill, paid: Bill, head: int, *, missed: bool) -> Bill:
    """The bill of what was not sent, with the cache as the provider's counts show it.

    More read than reckoned: other sessions left it there, and both begin alike. Less: the same is missing of both, in
    the `head` the same tokens and behind it the same share, but where it was missed without a reason: that would not
    have happened to what was not sent. Where nothing entered the cache, nothing of that would have.
    """
    if paid.read >= reckoned.read:
        more = min(paid.read - reckoned.read, unsent.tokens - unsent.read)
    elif missed:
        more = 0
    else:
        head = min(head, reckoned.read, unsent.read)
        share = max(0, paid.read - head) / max(1, reckoned.read - head)
        more = min(paid.read, head) + round(share * (unsent.read - head)) - unsent.read

    entered, fresh = unsent.entered - more, unsent.fresh
    if entered < 0:
        entered, fresh = 0, fresh + entered
    read = unsent.read + more

    if paid.fresh and not paid.entered:
        return Bill(fresh + entered, 0, read)
    return Bill(fresh, 0, read, entered) if unsent.hour else Bill(fresh, entered, read)
