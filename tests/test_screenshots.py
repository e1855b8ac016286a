"""Old screens become notes, screens seen before become references, and what they stood for can be had again."""

from __future__ import annotations

import base64
from io import BytesIO
from random import Random

import pytest

import contextprune as cp
from contextprune.arrival import Tools
from contextprune.dialects import apply
from contextprune.past import Past
from contextprune.rendering import KEY
from contextprune.screenshots import seen_before, stale
from tests.epochs import look, past_of, said, step, talk, tools

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
    picture.save(out, form, **({"quality": 90} if form == "JPEG" else {}))
    return base64.b64encode(out.getvalue()).decode()


def seen(*sources: str, images: int = 2, **fields: bool) -> tuple[Tools, Past]:
    """A session that took these screens in turn, and did something else after that."""
    using = tools(cp.Policy(images=images))
    context = talk(said("Book a flight."), *(look(source, **fields) for source in sources), step("ok"))
    return using, past_of(using, context)


def test_all_but_the_last_images_become_notes_of_what_they_were() -> None:
    using, past = seen(*map(screen, range(5)))
    found = stale(using, past, recent=1)
    assert sorted(found) == [2, 4, 6]
    assert found[2].startswith("[image cut, 640x480, recall=")


def test_the_key_stands_for_the_source_itself() -> None:
    using, past = seen(*map(screen, range(5)))
    key = KEY.findall(stale(using, past, recent=1)[2])[0]
    assert key == using.store.key(screen(0))


def test_images_of_recent_turns_stay() -> None:
    using, past = seen(*map(screen, range(5)))
    assert sorted(stale(using, past, recent=4)) == [2, 4]


@pytest.mark.parametrize("fields", [{"editable": False}, {"marked": True}])
def test_images_that_may_not_be_edited_stay(fields: dict[str, bool]) -> None:
    using, past = seen(*map(screen, range(5)), **fields)
    assert stale(using, past, recent=1) == {}


def test_an_address_shorter_than_its_note_stays() -> None:
    assert stale(*seen("file-1", "file-2", "file-3"), recent=1) == {}


def test_the_size_of_what_cannot_be_read_is_not_named() -> None:
    addresses = [f"https://example.org/screens/of/a/long/session/{n}.png" for n in range(3)]
    assert stale(*seen(*addresses), recent=1)[2].startswith("[image cut, recall=")


def test_a_screen_seen_before_becomes_a_reference_whatever_its_encoding() -> None:
    using, past = seen(screen(1), screen(2), screen(1, "JPEG"))
    found = seen_before(using, past, (), 0)
    assert list(found) == [6]
    assert found[6].startswith("[image as above, recall=")


def test_nothing_refers_to_a_screen_that_goes() -> None:
    using, past = seen(screen(1), screen(2), screen(1))
    assert seen_before(using, past, {2}, 0) == {}


def test_references_begin_where_the_rewriting_does() -> None:
    using, past = seen(screen(1), screen(1), screen(1))
    assert list(seen_before(using, past, (), 5)) == [6]


def test_the_newest_turn_shows_what_it_shows() -> None:
    using = tools()
    past = past_of(using, talk(said("Book a flight."), look(screen(1)), look(screen(1))))
    assert seen_before(using, past, (), 0) == {}


def test_a_note_stands_in_place_of_the_image_part() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + screen(1)}}
    payload = [{"role": "user", "content": [{"type": "text", "text": "See?"}, part]}]
    assert apply(payload, {(0, "content", 1): "[image cut]"})[0]["content"][1] == {
        "type": "text",
        "text": "[image cut]",
    }
