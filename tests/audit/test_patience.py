"""Requests that wait so long for their decisions, and no longer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from contextprune.audit.find import File
from contextprune.audit.patience import InTime, Patience, forever
from contextprune.audit.recordings import read_recordings
from contextprune.context import Context
from contextprune.session.replay import Request, replay
from tests.audit.logs import DATA, pruner


def recorded(name: str) -> Context:
    return next(read_recordings(File(DATA / name, name, 0.0))).context


CONTEXT = recorded("shell.json")


def never(_new: int) -> float:
    return -1.0


def sent(patience: Patience, context: Context = CONTEXT) -> Sequence[Request]:
    return list(replay(context, InTime(pruner(), patience)))


def test_with_all_the_time_there_is_it_sends_what_the_engine_decides() -> None:
    assert [r.after for r in sent(forever)] == [r.after for r in replay(CONTEXT, pruner())]
    assert any(request.edits for request in sent(forever))


def test_what_comes_too_late_is_sent_as_it_stands() -> None:
    assert all(request.after == request.before for request in sent(never))


def test_what_was_sent_before_stays_as_it_was_sent_however_late_the_rest_is() -> None:
    first = next(number for number, request in enumerate(sent(forever)) if request.edits)
    times = iter([math.inf] * (first + 1))
    requests = sent(lambda _new: next(times, -1.0))
    assert requests[-1].edits == requests[first].edits != {}


def test_it_asks_for_the_time_of_what_is_new() -> None:
    news: list[int] = []

    def patience(new: int) -> float:
        news.append(new)
        return math.inf

    totals = [sum(tokens for _, tokens in request.before) for request in sent(patience)]
    assert news == [totals[0], *(later - earlier for earlier, later in pairwise(totals))]


def test_it_says_of_each_request_whether_it_was_late() -> None:
    for patience, late in ((never, True), (forever, False)):
        sender = InTime(pruner(), patience)
        sender(CONTEXT)
        assert sender.late is late


def test_what_was_late_has_a_second_chance_once_the_cache_has_expired() -> None:
    context = recorded("airline.json")
    first, following = [request for request in sent(forever, context) if request.edits][:2]
    times = iter([-1.0])
    sender = InTime(pruner(), lambda _new: next(times, math.inf))
    assert sender(replace(context, segments=context.segments[: first.end])).edits == {}
    edits = sender(replace(context, segments=context.segments[: following.end]), cold=True).edits
    assert edits == following.edits == first.edits


def test_where_lateness_is_only_counted_a_late_request_is_sent_as_decided() -> None:
    sender = InTime(pruner(), never, strict=False)
    assert [request.after for request in replay(CONTEXT, sender)] == [request.after for request in sent(forever)]
    assert sender.late
