"""Tokens of images and files, which the payload's text cannot tell.

Each provider's published rule, applied to the size in the image's header; the data is never decoded beyond it. An
image of unknown size is taken for an ordinary one, so that leaving it out is not counted as more than it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from math import ceil, floor, sqrt
from typing import Any, NamedTuple

from contextprune.dialects.models import claude_version, gpt_version
from contextprune.images import size

ORDINARY = (1024, 1024)
"""Pixels of an image whose size OpenAI's rules need and nothing tells."""

ANTHROPIC_IMAGE = 1568
"""The largest image after the downscaling of most Claude models; an unreadable or remote one counts as much."""

FILE = 2000
"""One page of a PDF, text and picture: a floor, since the number of pages is not known without decoding the file."""

_SHARP = (4, 7)  # Claude models from here on see more of an image
_PATCHED = (5, 2)  # GPT models from here on are billed by patches
_UNSCALED = (5, 5)  # GPT models from here on take `auto` for `original`


class Tiles(NamedTuple):
    """Billing by squares of 512 pixels: tokens for any image, and for each square of one seen in detail."""

    base: int
    tile: int


class Patches(NamedTuple):
    """Billing by squares of 32 pixels: tokens for each, the limit of squares, and that of pixels along an edge."""

    tokens: float
    limit: int
    edge: int = 1 << 16


_TILES: Mapping[str, Tiles] = {
    "gpt-4o-mini": Tiles(2833, 5667),
    "computer-use": Tiles(65, 129),
    "o1": Tiles(75, 150),
    "o3": Tiles(75, 150),
}
_SMALL: Mapping[str, Patches] = {
    "gpt-4.1-mini": Patches(1.62, 1536),
    "gpt-4.1-nano": Patches(2.46, 1536),
    "gpt-5-mini": Patches(1.2, 1536),  # published as 1.62; the API counts 1.2
    "gpt-5-nano": Patches(2.46, 1536),
    "o4-mini": Patches(1.72, 1536),
}


def openai_image(part: Mapping[str, Any], model: str = "") -> int:
    """Tokens of a Chat `image_url` or a Responses `input_image` part, for OpenAI's models and Claude behind a gateway.

    Tiles: fit into 2048 x 2048, then the short edge to 768, then count squares of 512; low detail is the base alone.
    Patches: squares of 32, scaled down to the most that the model takes. Source: platform.openai.com, "Images and
    vision", calculating costs.
    """
    image = part.get("image_url")
    detail = image.get("detail") if isinstance(image, Mapping) else part.get("detail")
    source = openai_source(part)
    pixels = size(source) if source is not None else None
    if claude_version(model) is not None:
        return ANTHROPIC_IMAGE if pixels is None else _visual(*pixels, model)
    rule = _rule(model, detail)
    if isinstance(rule, Patches):
        return ceil(rule.tokens * _patches(*(pixels or ORDINARY), rule))
    return rule.base if detail == "low" else rule.base + rule.tile * _tiles(*(pixels or ORDINARY))


def openai_source(part: Mapping[str, Any]) -> str | None:
    """The data, address or file id of a Chat `image_url`, a Responses `input_image` or a screenshot."""
    image = part.get("image_url")
    for source in (image.get("url") if isinstance(image, Mapping) else image, part.get("file_id")):
        if isinstance(source, str) and source:
            return source
    return None


def part_image(part: Mapping[str, Any], model: str = "") -> int:
    """Tokens of an image part as MCP, LangChain, the AI SDK and Gemini write it, by the rule for the model."""
    return openai_image({"image_url": part_source(part)}, model)


def part_source(part: Mapping[str, Any]) -> str | None:
    """The data, address or file id of such a part."""
    image = part.get("image_url")
    named = image.get("url") if isinstance(image, Mapping) else image
    values = (named, *(part.get(key) for key in ("data", "base64", "image", "url", "file_id", "id")))
    return next((value for value in values if isinstance(value, str) and value), None)


def anthropic_image(block: Mapping[str, Any], model: str = "") -> int:
    """Tokens of an Anthropic `image` block: squares of 28 pixels, after scaling down to what the model sees.

    Source: platform.claude.com, "Images and vision"; width x height / 750 is its older approximation.
    """
    source = block.get("source")
    data = source.get("data") if isinstance(source, Mapping) else None
    pixels = size(data) if isinstance(data, str) else None
    return ANTHROPIC_IMAGE if pixels is None else _visual(*pixels, model)


def anthropic_source(block: Mapping[str, Any]) -> str | None:
    """The data, address, file id or (in trajectories) path of an `image` block."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        return None
    values = (source.get(key) for key in ("data", "url", "file_id", "path"))
    return next((value for value in values if isinstance(value, str) and value), None)


def sealed(ciphertext: str) -> int:
    """Tokens of encrypted reasoning: base64 holds 3 bytes in 4 characters, and a token is about 4 bytes of text."""
    return max(1, len(ciphertext) * 3 // 16)


def _visual(width: int, height: int, model: str) -> int:
    """At most 1568 pixels along an edge and 1568 squares; from Claude 4.7 on, 2576 and 4784."""
    edge, limit = (2576, 4784) if (claude_version(model) or (0, 0)) >= _SHARP else (1568, 1568)
    long, short = max(width, height), min(width, height)

    def squares(pixels: int) -> int:
        return ceil(pixels / 28) * ceil(max(1, round(pixels * short / long)) / 28)

    fitting = bisect_right(range(1, min(long, edge) + 1), limit, key=squares)
    return squares(max(1, fitting))


def _rule(model: str, detail: Any) -> Tiles | Patches:
    """How OpenAI bills an image: by name where a model is an exception, else by version; like GPT-4o if unknown."""
    bare = model.lower().rpartition("/")[2]
    for rules in (_SMALL, _TILES):
        for name, rule in rules.items():
            if bare.startswith(name):
                return rule

    version = gpt_version(model) or (4, 0)
    if version < _PATCHED:
        return Tiles(70, 140) if version >= (5, 0) else Tiles(85, 170)
    if detail == "low":
        return Patches(1.2, 256, 512)
    unscaled = detail == "original" or (detail != "high" and version >= _UNSCALED)
    return Patches(1.2, 10_000, 6000) if unscaled else Patches(1.2, 2500, 2048)


def _tiles(width: int, height: int) -> int:
    scale = min(1.0, 2048 / max(width, height), 768 / min(width, height))
    return ceil(max(1, floor(width * scale)) / 512) * ceil(max(1, floor(height * scale)) / 512)


def _patches(width: int, height: int, rule: Patches) -> int:
    """Squares of 32; where they are too many, the largest scaling that leaves whole squares along one edge."""
    scale = min(1.0, rule.edge / max(width, height))
    across, down = max(1, round(width * scale)) / 32, max(1, round(height * scale)) / 32
    if ceil(across) * ceil(down) <= rule.limit:
        return ceil(across) * ceil(down)
    shrink = min(1.0, sqrt(rule.limit / (across * down)))
    across, down = across * shrink, down * shrink
    align = min(max(1, floor(edge)) / edge for edge in (across, down))
    across, down = (max(1, ceil(floor(edge * align * 32) / 32)) for edge in (across, down))
    return min(rule.limit, across * down)
