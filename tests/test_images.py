"""Sizes from headers, and which images look alike: everything is drawn here."""

from __future__ import annotations

import base64
import random
import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from contextprune.images import MAX_PIXELS, fingerprint, look_alike, pixels, size


def _saved(picture: Image.Image, form: str = "PNG", **options: Any) -> str:
    file = BytesIO()
    picture.save(file, form, **options)
    return base64.b64encode(file.getvalue()).decode()


def _screen(seed: int = 1, lines: int = 40, changed: int | None = None) -> Image.Image:
    """A window with a title, a side bar and lines of text."""
    letters = random.Random(seed)
    picture = Image.new("RGB", (1280, 800), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1280, 40), fill=(60, 70, 90))
    draw.rectangle((0, 40, 200, 800), fill=(220, 220, 225))
    for line in range(lines):
        words = "".join(letters.choice("abcdefgh ijkl mnop") for _ in range(letters.randint(20, 120)))
        draw.text((220, 50 + line * 18), words if line != changed else f"ERROR {words[:10]}", fill="black")
    return picture


SCREEN = _screen()


@pytest.mark.parametrize(
    ("form", "more"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"icc_profile": b"x" * 30_000}),
        ("GIF", {}),
        ("WEBP", {"lossless": False}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"icc_profile": b"x" * 200}),
    ],
)
@pytest.mark.parametrize("shape", [(1, 1), (300, 200), (1023, 4097)])
def test_the_header_tells_the_size(form: str, more: dict[str, Any], shape: tuple[int, int]) -> None:
    data = _saved(Image.new("RGB", shape, "teal"), form, **more)
    assert size(data) == shape
    assert size(f"data:image/{form.lower()};base64,{data}") == shape


def test_only_the_header_is_read() -> None:
    assert size(_saved(SCREEN)[:48] + "!" * 99) == (1280, 800)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "AAAA",
        "file-abc123",
        "file_011CNha8iCJcU1wXNR6q4V8w",
        "https://example.com/a.png",
        "shots/1.png",
        "ä" * 60,
        "data:image/png;base64," + "A" * 80,
        "data:image/svg+xml,<svg/>",
        "data:image/png;base64",
        base64.b64encode(b"\x89PNG").decode(),
        base64.b64encode(b"\xff\xd8\xff\xe0\x00\x00").decode(),
        base64.b64encode(b"GIF89a\x00\x00\x00\x00" + b"\x00" * 40).decode(),
        base64.b64encode(b"RIFF\x00\x00\x00\x00WEBPnone" + b"\x00" * 40).decode(),
    ],
)
def test_what_is_no_image_has_neither_size_nor_likeness(source: str) -> None:
    assert size(source) is None
    assert fingerprint(source) is None


@pytest.mark.parametrize(
    "again",
    [
        _saved(SCREEN, "JPEG", quality=90),
        _saved(SCREEN, "JPEG", quality=75),
        _saved(SCREEN, "WEBP", quality=60),
        _saved(SCREEN.resize((640, 400))),
        "data:image/png;base64," + _saved(SCREEN, compress_level=1),
        _saved(SCREEN.convert("RGBA")),
    ],
)
def test_an_image_saved_again_is_the_same(again: str) -> None:
    assert look_alike(_saved(SCREEN), again)
    assert look_alike(fingerprint(_saved(SCREEN)), again)


@pytest.mark.parametrize(
    "other",
    [
        _screen(2),
        _screen(lines=39),
        *(_screen(changed=line) for line in range(0, 40, 4)),
        Image.new("RGB", (1280, 800), "white"),
    ],
)
def test_another_page_or_one_changed_line_is_not_the_same(other: Image.Image) -> None:
    assert not look_alike(_saved(SCREEN), _saved(other))


def test_blank_images_of_two_colours_are_not_the_same() -> None:
    assert not look_alike(_saved(Image.new("L", (64, 64), "white")), _saved(Image.new("L", (64, 64), "black")))


def test_what_is_transparent_has_no_colour() -> None:
    clear = Image.new("RGBA", (90, 90), (0, 0, 0, 0))
    drawn = clear.copy()
    ImageDraw.Draw(drawn).rectangle((10, 10, 60, 60), fill=(0, 0, 0, 255))
    assert not look_alike(_saved(clear), _saved(drawn))
    assert look_alike(_saved(clear), _saved(Image.new("RGB", (90, 90), "white")))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_has_a_likeness(mode: str) -> None:
    assert fingerprint(_saved(Image.new(mode, (40, 30)))) is not None


def test_an_address_is_the_same_only_as_itself() -> None:
    first, second = "https://example.com/a.png", "https://example.com/b.png"
    assert look_alike(first, first)
    assert not look_alike(first, second)
    assert not look_alike(first, _saved(SCREEN))


def test_nothing_is_the_same_as_an_unknown_image() -> None:
    assert not look_alike(None, None)
    assert not look_alike(fingerprint("file-1"), _saved(SCREEN))


def test_an_image_of_too_many_pixels_is_never_decoded() -> None:
    pixels = MAX_PIXELS + 10_000
    bomb = _saved(Image.new("1", (10_000, pixels // 10_000)))
    assert size(bomb) == (10_000, 5001)
    assert fingerprint(bomb) is None


def test_an_image_whose_header_hides_its_size_is_never_decoded() -> None:
    large = base64.b64decode(_saved(Image.new("L", (10_000, 6000)), "JPEG"))
    frame = large.index(b"\xff\xc0")
    small = b"\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00"
    assert fingerprint(base64.b64encode(large[:frame] + small + large[frame:]).decode()) is None


@pytest.mark.parametrize(("form", "more"), [("PNG", {"compress_level": 1}), ("WEBP", {"lossless": True})])
def test_an_image_has_the_same_pixels_in_every_lossless_encoding(form: str, more: dict[str, Any]) -> None:
    assert pixels(_saved(SCREEN)) == pixels("data:image/x;base64," + _saved(SCREEN, form, **more))


def test_one_other_pixel_makes_other_pixels() -> None:
    ticked = SCREEN.copy()
    ticked.putpixel((640, 400), (250, 255, 255))
    assert look_alike(_saved(ticked), _saved(SCREEN))
    assert pixels(_saved(ticked)) != pixels(_saved(SCREEN))


def test_the_same_colours_in_another_shape_are_other_pixels() -> None:
    wide, high = (_saved(Image.new("RGB", shape, "teal")) for shape in ((20, 10), (10, 20)))
    assert pixels(wide) != pixels(high)


def test_what_cannot_be_decoded_has_the_pixels_of_its_source() -> None:
    assert pixels("https://example.org/a.png") == pixels("https://example.org/a.png")
    assert pixels("https://example.org/a.png") != pixels("https://example.org/b.png")


PHOTO = base64.b64decode(_saved(_screen().resize((64, 40)), "JPEG"))
DRAWN = [base64.b64decode(_saved(_screen().resize((64, 40)), form)) for form in ("PNG", "GIF", "WEBP")] + [PHOTO]


@given(st.sampled_from(DRAWN), st.data())
def test_a_damaged_image_is_read_or_has_no_likeness(data: bytes, draws: st.DataObject) -> None:
    at = draws.draw(st.integers(0, len(data) - 1))
    cut = draws.draw(st.integers(at, len(data)))
    damaged = data[:at] + draws.draw(st.binary(max_size=4)) + data[at + 4 : cut]
    look = fingerprint(base64.b64encode(damaged).decode())
    assert look is None or look >= 0


def test_without_pillow_images_are_the_same_if_their_data_is() -> None:
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from contextprune.images import fingerprint, look_alike, size\n"
        f"png, gif = {_saved(SCREEN.resize((9, 9)))!r}, {_saved(SCREEN.resize((9, 9)), 'GIF')!r}\n"
        "print(fingerprint(png), size(png), look_alike(png, png), look_alike(png, gif))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None (9, 9) True False"
