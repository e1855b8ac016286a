"""Old screens become notes, screens seen before become references, and what they stood for can be had again."""

from __future__ import annotations

import base64
from io import BytesIO
from random import Random

import pytest

import contextprune as cp
from contextprune.context import Ref
from contextprune.dialects import apply
from contextprune.markers import KEY
from contextprune.prepare import Resources
from contextprune.session.old_images import seen_before, stale
from contextprune.session.state import State
from tests.session.conversations import look, pruner, requests, said, state_of, step, talk, tools

pytest.importorskip("PIL")


def screen(seed: int, form: str = "PNG") -> str:
    """A screen of coloured boxes, as base64 data."""
    from PIL import Image, ImageDraw

    picture, random = Image.new("RGB", (640, 480), "white"), Random(seed)
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y = random.randrange(560), random.randrange(400)
        draw.rectangle((x, y, x + 80, y + 80), fill=(random.randrange(256), random.randrange(256), 0))
    out = BytesIO()
    picture.save(out, form, quality=90, lossless=form == "WEBP")
    return base64.b64encode(out.getvalue()).decode()


def seen(*sources: str, images: int = 2, **fields: bool) -> tuple[Resources, State]:
    """A session that took these screens in turn, and did something else after that."""
    using = tools(cp.Policy(images=images))
    context = talk(said("Book a flight."), *(look(source, **fields) for source in sources), step("ok"))
    return using, state_of(using, context)


def test_all_but_the_last_images_become_notes_of_what_they_were() -> None:
    using, state = seen(*map(screen, range(5)))
    found = stale(using, state, recent=1)
    assert sorted(found) == [2, 4, 6]
    assert found[2].startswith("[image cut, 640x480, recall=")


def test_the_key_stands_for_the_source_itself() -> None:
    using, state = seen(*map(screen, range(5)))
    key = KEY.findall(stale(using, state, recent=1)[2])[0]
    assert key == using.store.key(screen(0))


def test_images_of_recent_turns_stay() -> None:
    using, state = seen(*map(screen, range(5)))
    assert sorted(stale(using, state, recent=4)) == [2, 4]


@pytest.mark.parametrize("fields", [{"editable": False}, {"marked": True}])
def test_images_that_may_not_be_edited_stay(fields: dict[str, bool]) -> None:
    using, state = seen(*map(screen, range(5)), **fields)
    assert stale(using, state, recent=1) == {}


def test_an_address_shorter_than_its_note_stays() -> None:
    addresses = ("file-1", "https://example.org/screens/of/a/long/session/1.png")
    steps = [look(address) for address in (*addresses, *(screen(n) for n in range(3)))]
    context = talk(said("Look."), *steps, *[step("ok")] * 5, said("Go on."))
    engine = pruner(images=3)
    edits = engine(context, cold=True).edits
    changed = {segment.source for segment in context.segments if segment.ref in edits and segment.source}
    assert changed == {addresses[1]}


def test_the_size_of_what_cannot_be_read_is_not_named() -> None:
    addresses = [f"https://example.org/screens/of/a/long/session/{n}.png" for n in range(3)]
    assert stale(*seen(*addresses), recent=1)[2].startswith("[image cut, recall=")


def test_a_screen_seen_before_becomes_a_reference_whatever_its_encoding() -> None:
    using, state = seen(screen(1), screen(2), screen(1, "JPEG"))
    found = seen_before(using, state, (), 0)
    assert list(found) == [6]
    assert found[6].startswith("[image as above, 2 back, recall=")


def test_nothing_refers_to_a_screen_that_goes() -> None:
    using, state = seen(screen(1), screen(2), screen(1))
    assert seen_before(using, state, {2}, 0) == {}


def test_references_begin_where_the_rewriting_does() -> None:
    using, state = seen(screen(1), screen(1), screen(1))
    assert list(seen_before(using, state, (), 5)) == [6]


def test_the_newest_turn_shows_what_it_shows() -> None:
    using = tools()
    state = state_of(using, talk(said("Book a flight."), look(screen(1)), look(screen(1))))
    assert seen_before(using, state, (), 0) == {}


def test_a_note_stands_in_place_of_the_image_part() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + screen(1)}}
    payload = [{"role": "user", "content": [{"type": "text", "text": "See?"}, part]}]
    assert apply(payload, {(0, "content", 1): "[image cut]"})[0]["content"][1] == {
        "type": "text",
        "text": "[image cut]",
    }


def sent(*sources: str, images: int = 2, **fields: bool) -> list[str | None]:
    """What is sent of screens that arrive one after the other, where images are decided on arrival."""
    using = tools(cp.Policy(images=images, images_on_arrival=True))
    state = state_of(using, talk(said("Book a flight."), *(look(source, **fields) for source in sources)))
    return [text for segment, text in zip(state.segments, state.texts, strict=True) if segment.kind is cp.Kind.IMAGE]


def test_no_image_is_touched_on_arrival_unless_asked() -> None:
    _, state = seen(screen(1), screen(1), screen(1))
    assert not any(state.texts)


def test_on_arrival_a_screen_seen_before_becomes_a_reference_whatever_its_lossless_encoding() -> None:
    texts = sent(screen(1), screen(2), screen(1, "WEBP"))
    assert texts[:2] == [None, None]
    assert texts[2] is not None
    assert texts[2].startswith("[image as above, 2 back, recall=")


def test_on_arrival_a_screen_that_only_looks_alike_stays() -> None:
    assert sent(screen(1), screen(1, "JPEG")) == [None, None]


def test_on_arrival_other_screens_stay_however_many_there_are() -> None:
    assert sent(*map(screen, range(6))) == [None] * 6


def test_on_arrival_only_the_last_images_are_referred_to() -> None:
    assert sent(screen(1), screen(2), screen(3), screen(1)) == [None] * 4


def test_an_image_referred_to_counts_as_shown_again() -> None:
    texts = sent(screen(1), screen(2), screen(1), screen(3), screen(1))
    assert [text and text[:24] for text in texts] == [
        None,
        None,
        "[image as above, 2 back,",
        None,
        "[image as above, 4 back,",
    ]


def test_on_arrival_no_image_is_shown_where_the_policy_leaves_none() -> None:
    texts = sent(screen(1), screen(2), images=0)
    assert all(text is not None and text.startswith("[image cut, 640x480, recall=") for text in texts)


def test_on_arrival_a_locked_image_stays() -> None:
    assert sent(screen(1), screen(1), editable=False) == [None, None]


def test_on_arrival_an_image_of_a_few_tokens_stays() -> None:
    using = tools(cp.Policy(images_on_arrival=True))
    state = state_of(using, talk(said("Book a flight."), look(screen(1), cost=85), look(screen(1), cost=85)))
    assert not any(state.texts)


def test_an_epoch_leaves_the_image_that_a_recent_reference_means() -> None:
    using = tools(cp.Policy(images=2, images_on_arrival=True))
    screens = [screen(1), screen(2), screen(1), screen(3), screen(4)]
    state = state_of(using, talk(said("Book a flight."), *map(look, screens), step("ok")))
    assert sorted(stale(using, state, recent=1)) == [2, 4]
    state = state_of(using, talk(said("Book a flight."), *map(look, screens[:4]), step("ok")))
    assert sorted(stale(using, state, recent=1)) == [4]


def test_images_decided_on_arrival_are_sent_the_same_by_every_later_request_and_after_a_restart() -> None:
    store = cp.MemoryStore()
    policy = cp.Policy(images=2, images_on_arrival=True)
    screens = [screen(n) for n in (1, 2, 1, 3, 2, 2)]
    talked = talk(said("Book a flight."), *map(look, screens), said("Go on."))
    one = cp.Pruner(policy, pruner().scorer, pruner().counter, store)
    edits: dict[Ref, str] = {}
    for request in requests(talked):
        done = one(request).edits
        assert {ref: text for ref, text in done.items() if ref in edits} == edits
        edits = dict(done)
    assert len(edits) == 2
    assert cp.Pruner(policy, pruner().scorer, pruner().counter, store)(talked).edits == edits
    assert all(store.get(KEY.findall(text)[0]) in screens for text in edits.values())
