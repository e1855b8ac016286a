"""Wording of figures, for the terminal and the page alike: the scope, the verdict, prices and notes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from statistics import median

from contextprune.audit.calls import one_line
from contextprune.audit.measure import Session
from contextprune.audit.sight import Sight, Unseen
from contextprune.audit.total import Audit
from contextprune.display.amounts import money, plural, share
from contextprune.money.tariff import MTOK

_LONGEST = 60  # characters
_UUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def brief(name: str) -> str:
    """The name of a session with its UUIDs cut down to their first part."""
    return _UUID.sub(r"\1", name)


def scope(audit: Audit) -> str:
    """The number of sessions and requests, and of files left out."""
    left_out = f"; {plural(len(audit.skipped), 'file')} left out" if audit.skipped else ""
    return f"{plural(len(audit.sessions), 'session')}, {plural(audit.requests, 'request')}{left_out}"


def verdict(audit: Audit) -> str:
    """The answer in one or two sentences, for somebody who reads nothing else."""
    before, after = audit.cost
    saved = before - after
    sentence = f"contextprune would have saved {share(saved, before)} of the cost of the input"
    if not before or saved < 0.005 * before:
        sentence = "contextprune would have saved next to nothing here"
    elif audit.priced:
        amount, cost = money(saved, priced=True), money(before, priced=True)
        sentence = f"contextprune would have saved {amount} of {cost} ({share(saved, before)})"

    dearer = len(audit.dearer)
    if dearer:
        return f"{sentence}. It would have made {plural(dearer, 'session')} of {len(audit.sessions):,} dearer."
    return f"{sentence}, and made no session dearer."


def later_use(sight: Sight) -> str:
    """What the agents used later, and how much of it was in sight, in a sentence."""
    if not sight.used:
        return "No path, id or line that only a tool's result had shown was used later."
    uses = "Of 1 path, id or line" if sight.used == 1 else f"Of {sight.used:,} paths, ids and lines"
    number = len(sight.unseen)
    if not number:
        return f"{uses} that your agent used later, {sight.used:,} were in sight when it did: all of them."
    missing = "the other one" if number == 1 else f"the other {number:,}"
    were = "was" if sight.in_sight == 1 else "were"
    return f"{uses} that your agent used later, {sight.in_sight:,} {were} in sight when it did; {missing}:"


def unseen(use: Unseen) -> str:
    """One thing that was not in sight: what it is, who used it when, and where it was cut."""
    name, tool = one_line(use.text, _LONGEST), use.tool or "the reply"
    source = ": ".join(part for part in (use.source, use.call) if part)
    sentence = f"{name!r} in request {use.request:,} of {brief(use.session)}, used by {tool}"
    return f"{sentence}; cut from line {use.line:,} of {source} (sent since request {use.since:,})"


WAY_BACK = (
    "Nothing of this is lost: each gap is marked and its original is kept. With `contextprune serve --recall tool` the "
    "model can ask for it by the key in the marker, and `contextprune recall KEY` prints it."
)
"""How to get back what was not in sight."""


def compared_over(audit: Audit) -> str:
    """The sessions that the table of settings is about."""
    number, total = len(audit.compared[0].sessions) if audit.compared else 0, len(audit.sessions)
    if number == total:
        return "over all sessions" if total > 1 else "over this session"
    return f"over {plural(number, 'session')} of {total:,}, the newest, without very long ones"


def billed_over(audit: Audit) -> str:
    """The heading of the bill beside the model."""
    return f"Billed and modelled, {plural(audit.billed.requests, 'request')} with usage in the log, as recorded"


def prices(audit: Audit) -> str:
    """The prices under which the costs were counted."""
    names = Counter(session.tariff.name for session in audit.sessions if session.priced)
    listed = ", ".join(f"{name} ({plural(number, 'session')})" for name, number in names.most_common())
    if audit.priced:
        return f"Prices: {listed}."

    families = {session.tariff.name: session.tariff for session in audit.sessions if not session.priced}
    rates = "; ".join(
        f"{name}: cached input at {tariff.read:g}x, input that enters the cache at {tariff.write:g}x"
        for name, tariff in families.items()
    )
    count = sum(not session.priced for session in audit.sessions)
    dollars = f"; prices of the others: {listed}" if listed else ""
    sentence = f"Relative prices for {plural(count, 'session')} ({rates}){dollars}."
    return f"{sentence} Costs are given as the number of tokens that would cost as much at the full input price."


def notes(audit: Audit) -> Iterator[str]:
    """The facts that a reader needs to trust the figures, one or two sentences each."""
    yield from (f"{reason[:1].upper()}{reason[1:]}." for reason in audit.unpriced)
    yield (
        f"Tokens are counted by {audit.counter}. The tokenizers of Claude and some others are not public, so for them "
        "the counts are estimates; without and with contextprune they err alike."
    )
    yield _decided(audit)
    if any(session.format == "claude-code" for session in audit.sessions):
        yield "Claude Code logs hold neither system prompt nor tool schemas, so real requests were larger by these."

    cold = sum(step.cold for session in audit.sessions for step in session.steps)
    if cold:
        yield f"Before {plural(cold, 'request')} the cache had expired (idle time); both sides pay for all of it anew."
    else:
        yield "Where a recording has no times, the cache is taken to be warm from request to request."
    epochs = [step.cold for session in audit.sessions for step in session.steps if step.epoch]
    if epochs:
        free = f", {sum(epochs):,} of them where the cache had expired anyway" if any(epochs) else ""
        sentence = f"Before {plural(len(epochs), 'request')} old blocks would have been decided anew (epochs){free}"
        yield f"{sentence}; what that sends again is in the costs."

    replies = [_replies(session) for session in audit.sessions]
    if audit.priced and any(replies):
        yield f"The model's replies come on top, at about {money(sum(replies), priced=True)} on both sides."
    yield _recalls(audit)
    bound = sum(session.bound for session in audit.sessions)
    if bound:
        yield f"In {plural(bound, 'session')} signed reasoning forbids to edit older turns, so those stay as sent."
    yield from audit.remarks


def _decided(audit: Audit) -> str:
    """The note on who decided, and on how long requests waited for it."""
    sentence = f"What would go was decided by {audit.scorer}, under the settings in force here"
    if not audit.waits:
        return f"{sentence}, however long that took."
    times = [step.seconds for session in audit.sessions for step in session.steps]
    took = f"Decisions took {seconds(median(times))} a request (median), {seconds(max(times))} at most"
    if not audit.late:
        return f"{sentence}, {audit.waits}. {took}; none came too late."
    late = f"for {plural(audit.late, 'request')} of {audit.requests:,} they came too late"
    return f"{sentence}, {audit.waits}. {took}; {late}, so what was new there counts as sent whole."


def seconds(number: float) -> str:
    """A time as people say it: 12 ms, 1.3 s."""
    return f"{number * 1000:.0f} ms" if number < 1 else f"{number:.1f} s"


def reasons(audit: Audit) -> list[tuple[str, str, str]]:
    """Reasons for leaving files, or lines of files, out: each with how many and an example, the most frequent first.

    How many is said as it stands before the example: `3 files, such as`, or `1 file,`.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for each in audit.skipped:
        counts[each.reason, "line" if each.lines else "file"] += each.lines or 1
    examples = {each.reason: each.name for each in reversed(audit.skipped)}
    return [
        (reason, f"{plural(number, unit)},{' such as' if number > 1 else ''}", examples[reason])
        for (reason, unit), number in counts.most_common()
    ]


def _replies(session: Session) -> float:
    """Dollars for the replies of the model."""
    return session.replies * session.tariff.output / MTOK if session.priced else 0.0


def _recalls(audit: Audit) -> str:
    """The note on calls of the recall tool, which a replay cannot know; each is about one more request."""
    before, after = audit.cost
    sentence = "A replay cannot show how often the model would have asked for removed text again (a recall)"
    if not after or before <= after:
        return f"{sentence}."
    number = int((before - after) / (after / audit.requests))
    return f"{sentence}. One costs about as much as one request; the saving pays for {number:,}."
