"""Facts about sending a recorded conversation again, request by request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from contextprune.context import Context, Kind, Ref, Segment
from contextprune.dialects import read
from contextprune.money.tariff import shared
from contextprune.session.replay import replay
from tests.session.conversations import CHAT, LOG
from tests.strategies import COUNTER, pruner


@dataclass(frozen=True, slots=True)
class Once:
    """A decision of one sender below."""

    edits: Mapping[Ref, str]
    sizes: tuple[tuple[int, int], ...]
    epoch: bool = False


def whole(context: Context, *, cold: bool = False) -> Once:  # noqa: ARG001
    """A sender that sends everything."""
    return Once({}, tuple((COUNTER(s.text) or s.cost or 0,) * 2 for s in context.segments))


def image(source: str | None, cost: int = 765) -> Segment:
    return Segment(Kind.IMAGE, "", ("image",), cost=cost, source=source)


def test_each_request_is_decided_from_its_own_prefix_and_no_later_query() -> None:
    seen: list[Context] = []

    def sender(context: Context, *, cold: bool = False) -> Once:  # noqa: ARG001
        seen.append(context)
        return whole(context)

    context = replace(read(CHAT), model="gpt-5.5", bound=True)
    requests = list(replay(context, sender))
    assert [request.end for request in requests] == [len(prefix.segments) for prefix in seen] == [2, 4, 6]
    assert {(prefix.query, prefix.asked, prefix.model, prefix.bound) for prefix in seen} == {
        ("", False, "gpt-5.5", True)
    }


def test_an_untouched_conversation_sends_what_was_recorded_and_every_request_extends_the_last() -> None:
    first, second, third = replay(read(CHAT), whole)
    assert [request.before == request.after for request in (first, second, third)] == [True, True, True]
    assert shared(first.after, second.after) == len(first.after)
    assert shared(second.after, third.after) == len(second.after)


def test_a_shortened_result_is_another_piece_with_the_tokens_that_were_sent() -> None:
    context = read(CHAT)
    for request in list(replay(context, pruner()))[1:]:
        (new,) = request.edits.values()
        assert request.before[3] != request.after[3]
        assert (request.before[3][1], request.after[3][1]) == (COUNTER(LOG), COUNTER(new))
        assert [i for i, piece in enumerate(request.before) if piece != request.after[i]] == [3]


def test_equal_texts_are_equal_pieces_and_others_are_not() -> None:
    texts = ("same", "same", "other")
    pieces = next(replay(Context(tuple(Segment(Kind.USER, t, (i,)) for i, t in enumerate(texts))), whole)).before
    assert pieces[0] == pieces[1] != pieces[2]


def test_images_are_told_apart_by_their_data_or_else_by_their_tokens() -> None:
    images = (image("AAAA"), image("AAAA"), image("BBBB"), image(None), image(None), image(None, 85))
    one, two, three, bare, twin, small = (next(replay(Context((each,)), whole)).before for each in images)
    assert one == two != three
    assert bare == twin != small


def test_an_image_that_became_a_marker_is_the_text_that_was_sent() -> None:
    def sender(context: Context, *, cold: bool = False) -> Once:  # noqa: ARG001
        return Once({("image",): "[screenshot]"}, ((765, 4),) * len(context.segments))

    (request,) = replay(Context((image("AAAA"),)), sender)
    (said,) = replay(Context((Segment(Kind.USER, "[screenshot]", ("u",)),)), whole)
    assert request.after == ((said.before[0][0], 4),)
    assert request.before[0][1] == 765


def test_an_epoch_is_passed_on() -> None:
    def sender(context: Context, *, cold: bool = False) -> Once:  # noqa: ARG001
        return replace(whole(context), epoch=len(context.segments) > 4)

    assert [request.epoch for request in replay(read(CHAT), sender)] == [False, False, True]


def test_the_time_of_each_call_is_measured() -> None:
    assert all(request.seconds > 0 for request in replay(read(CHAT), pruner()))


def test_a_session_replayed_ends_where_one_call_on_all_of_it_does() -> None:
    last = list(replay(read(CHAT), pruner()))[-1]
    assert last.edits == pruner()(read(CHAT)).edits


def test_an_expired_cache_is_told_where_it_had_expired() -> None:
    heard: list[bool] = []

    def sender(context: Context, *, cold: bool = False) -> Once:
        heard.append(cold)
        return whole(context)

    assert [request.cold for request in replay(read(CHAT), sender, {4})] == [False, True, False] == heard


def test_an_empty_conversation_is_no_request() -> None:
    assert list(replay(Context(()), whole)) == []
