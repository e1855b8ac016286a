"""What images cost, by each provider's rule, from their headers alone."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from contextprune.dialects.image_tokens import anthropic_image, anthropic_source, openai_image, openai_source


def _png(width: int, height: int) -> str:
    sizes = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + sizes + b"\x08\x06\x00\x00\x00" * 9).decode()


def _block(width: int, height: int) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "data": _png(width, height)}}


def _part(width: int, height: int, detail: str | None = None) -> dict[str, Any]:
    return {"type": "input_image", "image_url": f"data:image/png;base64,{_png(width, height)}", "detail": detail}


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((200, 200), 64),
        ((28, 28), 1),
        ((29, 28), 2),
        ((1000, 1000), 1296),
        ((1092, 1092), 1521),
        ((951, 1268), 1564),
        ((896, 1344), 1536),
        ((819, 1456), 1560),
        ((784, 1568), 1568),
        ((3136, 6272), 1568),
        ((4368, 4368), 1521),
        ((8000, 100), 56),
        ((1, 1), 1),
    ],
)
def test_a_claude_image_costs_its_squares_of_28_pixels(size: tuple[int, int], tokens: int) -> None:
    """platform.claude.com, "Images and vision": the sizes of its table are the largest that are not scaled down."""
    assert anthropic_image(_block(*size)) == tokens
    assert anthropic_image(_block(*size), "claude-sonnet-4-5") == tokens


@pytest.mark.parametrize(
    ("model", "tokens"), [("claude-opus-4-6", 1560), ("claude-opus-4-7", 2691), ("claude-opus-5-5", 2691), ("", 1560)]
)
def test_claude_sees_more_of_an_image_from_4_7_on(model: str, tokens: int) -> None:
    """The same page: 2576 pixels and 4784 squares, where older models see 1568 of each."""
    assert anthropic_image(_block(1920, 1080), model) == tokens
    assert anthropic_image(_block(8000, 8000), model) <= 4784


@pytest.mark.parametrize("source", [{"type": "base64", "data": "ä" * 40}, {"type": "url", "url": "x"}, {}, None])
def test_an_image_of_unknown_size_costs_what_most_models_see_at_most(source: Any) -> None:
    assert anthropic_image({"source": source}, "claude-opus-5-5") == 1568


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o", (512, 512), None, 255),
        ("gpt-4o", (513, 512), "auto", 425),
        ("gpt-4.1", (1024, 1024), None, 765),
        ("", (1024, 1024), None, 765),
        ("some-local-model", (1024, 1024), None, 765),
        ("gpt-4o-mini", (1024, 1024), None, 2833 + 4 * 5667),
        ("o3", (1024, 1024), None, 75 + 4 * 150),
        ("gpt-5", (1024, 1024), None, 70 + 4 * 140),
        ("openai/gpt-5.1-codex", (1024, 1024), "low", 70),
    ],
)
def test_tiles_of_512_pixels_are_counted(model: str, size: tuple[int, int], detail: str | None, tokens: int) -> None:
    """platform.openai.com, "Images and vision", with its worked examples of 765, 1105 and 85 tokens."""
    assert openai_image(_part(*size, detail), model) == tokens


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4.1-mini", (1024, 1024), None, 1659),
        ("gpt-4.1-mini", (1800, 2400), None, 2353),
        ("o4-mini-2025-04-16", (32, 33), None, 4),
        ("gpt-5-mini", (1280, 720), None, 1104),
        ("gpt-5-mini", (2048, 768), None, 1844),
        ("gpt-5.4", (1024, 1024), "high", 1229),
        ("gpt-5.4", (4000, 4000), "high", 3000),
        ("gpt-5.4", (4000, 4000), "original", 12000),
        ("gpt-5.6-sol", (2560, 1600), None, 4800),
        ("gpt-5.6-sol", (2560, 1600), "high", 2949),
        ("gpt-6-astra", (4000, 4000), "low", 308),
    ],
)
def test_patches_of_32_pixels_are_counted(model: str, size: tuple[int, int], detail: str | None, tokens: int) -> None:
    """The same page: 1800 x 2400 is scaled to 33 x 44 patches. The factor of gpt-5-mini is as the API counts it."""
    assert openai_image(_part(*size, detail), model) == tokens


def test_claude_behind_an_openai_gateway_costs_what_claude_costs() -> None:
    assert openai_image(_part(784, 1568), "anthropic/claude-opus-4.5") == 1568
    assert openai_image({"image_url": {"url": "https://example.com/a.png"}}, "anthropic/claude-opus-4.5") == 1568


@pytest.mark.parametrize("part", [{}, {"image_url": {"url": "https://example.com/a.png"}}, {"file_id": "file-1"}])
def test_a_remote_image_is_taken_for_one_of_1024_by_1024(part: dict[str, Any]) -> None:
    assert openai_image(part) == 765
    assert openai_image(part, "gpt-5.6-sol") == 1229


def test_no_size_makes_an_image_free_or_dearer_than_the_cap() -> None:
    for width in (1, 31, 513, 5000, 65535):
        for height in (1, 33, 2000, 65535):
            assert 1 <= anthropic_image(_block(width, height)) <= 1568
            assert 70 < openai_image(_part(width, height), "gpt-5") <= 70 + 140 * 8
            assert 1 <= openai_image(_part(width, height), "gpt-4.1-nano") <= 3779


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ({"image_url": {"url": "data:image/png;base64,AAAA"}}, "data:image/png;base64,AAAA"),
        ({"image_url": "https://example.com/a.png"}, "https://example.com/a.png"),
        ({"image_url": None, "file_id": "file-1"}, "file-1"),
        ({"image_url": {}}, None),
        ({"image_url": ""}, None),
        ({}, None),
    ],
)
def test_the_source_of_an_openai_image_is_its_address_or_id(part: dict[str, Any], source: str | None) -> None:
    assert openai_source(part) == source


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ({"type": "base64", "data": "AAAA"}, "AAAA"),
        ({"type": "url", "url": "https://example.com/a.png"}, "https://example.com/a.png"),
        ({"type": "file", "file_id": "file_1"}, "file_1"),
        ({"media_type": "image/png", "path": "shots/1.png"}, "shots/1.png"),
        ({"data": 5}, None),
        ("AAAA", None),
    ],
)
def test_the_source_of_an_anthropic_image_is_its_data_address_or_id(source: Any, found: str | None) -> None:
    assert anthropic_source({"source": source}) == found
