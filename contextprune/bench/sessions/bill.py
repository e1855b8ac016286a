"""Session cost and next-use recall: a recorded session sent again request by request, under the price tables.

Every arm is charged alike: tokens that a provider's cache would still hold are read, all others are written. A value
that the next action uses and no longer sees has to be fetched, which costs a call; so no arm wins by cutting it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from contextprune.bench.sessions.rivals import RIVALS, by_rule, count_tokens
from contextprune.bench.sessions.stories import Story, Uses, latest, visible
from contextprune.context import Context, Kind, Segment
from contextprune.money.tariff import FAMILIES, Bill, Piece, charge, shared
from contextprune.session.replay import Request, Sender, replay
from contextprune.training.transcript import text_of

CALL = 40  # tokens: the call that fetches an original, and what frames the answer

WARM_UP = Context((Segment(Kind.TOOL_RESULT, "\n".join(f"step {i} of the build: done" for i in range(99)), ()),))
"""The first call loads vocabulary and model, which is no overhead of a session."""


class Tally(NamedTuple):
    """Values and lines needed, and how many of them were visible."""

    values: int = 0
    lines: int = 0
    seen_values: int = 0
    seen_lines: int = 0

    def plus(self, uses: Uses, text: str) -> Tally:
        """The tally with one more moment, at which `text` was visible."""
        return Tally(
            self.values + len(uses.values),
            self.lines + len(uses.lines),
            self.seen_values + sum(value in text for value in uses.values),
            self.seen_lines + sum(line in text for line in uses.lines),
        )


@dataclass(frozen=True, slots=True)
class SessionResult:
    """The figures of one session under one arm; see `bill_session`.

    tokens    of the last request as recorded; `sent`: as the arm sent it
    gross     cost relative to the session as recorded, by price table; `net`: recall turns paid
    paid      dollars for the session as recorded, by price table at one dollar for a million tokens of input
    recalls   requests after which something had to be fetched
    next      use by the next action; `later`: by all that follow, at the usual points; `after`: at epochs
    stable    requests that began with the previous one, of `turns` that did not open an epoch
    seconds   of each call of the arm
    """

    set: str
    id: str
    arm: str
    tokens: int
    sent: int
    requests: int
    gross: Mapping[str, float]
    net: Mapping[str, float]
    paid: Mapping[str, float]
    recalls: int
    next: Tally
    later: Tally
    after: Tally
    stable: int
    turns: int
    epochs: int
    seconds: tuple[float, ...]


def bill_session(story: Story, arm: str, sender: Sender) -> SessionResult:
    """Replay one session under one arm and charge for it; costs are of input alone, replies are as recorded."""
    requests = list(replay(story.context, sender))
    survival = _survival(story, requests)
    recorded, gross = _Account(), _Account()
    for request in requests:
        recorded.send(request.before)
        gross.send(request.after)

    net, recalls = _with_recalls(story, requests, survival.missed)
    settled = [(old, new) for old, new in pairwise(requests) if not new.epoch]

    return SessionResult(
        set=story.session.set,
        id=story.session.id,
        arm=arm,
        tokens=_tokens(requests[-1].before) if requests else 0,
        sent=_tokens(requests[-1].after) if requests else 0,
        requests=len(requests),
        gross=gross.relative(recorded),
        net=net.relative(recorded),
        paid=recorded.dollars(),
        recalls=recalls,
        next=survival.next,
        later=survival.later,
        after=survival.after,
        stable=sum(shared(old.after, new.after) == len(old.after) for old, new in settled),
        turns=len(settled),
        epochs=sum(request.epoch for request in requests),
        seconds=tuple(request.seconds for request in requests),
    )


@cache
def sender_of(arm: str) -> Sender:
    """The sender behind the name of an arm, built once in a process; ours remembers what it decided."""
    if arm in RIVALS:
        return by_rule(RIVALS[arm])
    from contextprune.bench.ours import SCORERS, pruner  # noqa: PLC0415  # baselines run without us

    sender: Sender = pruner(SCORERS[arm])
    sender(WARM_UP)
    return sender


class _Survival(NamedTuple):
    next: Tally
    later: Tally
    after: Tally
    missed: list[list[str]]  # values and lines that the next action uses and does not see, for each request


class _Account:
    """The bills of one arm so far, under every price table."""

    def __init__(self) -> None:
        self.bills = dict.fromkeys(FAMILIES, Bill())
        self._last: Sequence[Piece] = ()

    def send(self, pieces: Sequence[Piece]) -> None:
        """Charge for one request. Only what is shared with the last one matters, so it is counted once."""
        common = shared(self._last, pieces)
        cached, new = _tokens(pieces[:common]), _tokens(pieces[common:])
        for name, tariff in FAMILIES.items():
            self.bills[name] += charge([("cached", cached)], [("cached", cached), ("new", new)], tariff)
        self._last = pieces

    def dollars(self) -> dict[str, float]:
        """Dollars paid so far, by price table."""
        return {name: self.bills[name].dollars(tariff) for name, tariff in FAMILIES.items()}

    def relative(self, recorded: _Account) -> dict[str, float]:
        """Dollars over those of the session as recorded, by price table."""
        whole_price = recorded.dollars()
        return {name: paid / whole_price[name] if whole_price[name] else 1.0 for name, paid in self.dollars().items()}


def _survival(story: Story, requests: Sequence[Request]) -> _Survival:
    """The values and lines needed, and those of them that were visible, request by request."""
    soon, later, after = Tally(), Tally(), Tally()
    missed: list[list[str]] = []
    for number, (request, moment) in enumerate(zip(requests, story.moments, strict=True)):
        text = visible(story, request.edits, moment) if any(moment.later) else ""
        soon = soon.plus(moment.next, text)
        later = later.plus(moment.later, text) if number in story.points else later
        after = after.plus(moment.later, text) if request.epoch else after
        missed.append([use for uses in moment.next for use in uses if use not in text])
    return _Survival(soon, later, after, missed)


def _with_recalls(story: Story, requests: Sequence[Request], missed: Sequence[Sequence[str]]) -> tuple[_Account, int]:
    """The account of a session with its recall turns, and how many there are.

    Where the next action uses something that is not visible, one more call fetches the latest results that hold it:
    it sends the request again with the originals behind it, and every later request carries them where they then
    stood. Fetched results stay visible. A rival without a recall would run the tool again, which is charged alike.
    """
    account = _Account()
    fetched: dict[int, int] = {}  # message -> segments that stood before it when it was fetched
    recalls = 0
    for request, moment, uses in zip(requests, story.moments, missed, strict=True):
        account.send(_woven(story, request, fetched))
        lost = [use for use in uses if not any(use in story.texts[i] for i in fetched)]

        if lost:
            recalls += 1
            fetched |= dict.fromkeys((latest(story, moment, use) for use in lost), request.end)
            account.send(_woven(story, request, fetched))
    return account, recalls


def _woven(story: Story, request: Request, fetched: Mapping[int, int]) -> list[Piece]:
    """The pieces of a request, and the originals that were fetched where they came in."""
    pieces: list[Piece] = []
    at = 0
    for message, end in fetched.items():
        original = text_of(story.session.messages[message])
        pieces += [*request.after[at:end], (f"fetched {message}", CALL + count_tokens(original))]
        at = end
    return [*pieces, *request.after[at:]]


def _tokens(pieces: Sequence[Piece]) -> int:
    return sum(tokens for _, tokens in pieces)
