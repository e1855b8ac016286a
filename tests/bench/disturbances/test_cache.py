"""The model of the provider's cache."""

from __future__ import annotations

from contextprune.bench.disturbances.cache import PromptCache, pieces_of
from contextprune.money.tariff import Bill


def body(*results: str, breakpoint_at: int | None = None) -> dict[str, object]:
    blocks: list[dict[str, object]] = [
        {"type": "tool_result", "tool_use_id": f"c{number}", "content": text} for number, text in enumerate(results)
    ]
    if breakpoint_at is not None:
        blocks[breakpoint_at]["cache_control"] = {"type": "ephemeral"}
    system = [{"type": "text", "text": "Be brief."}]
    return {"tools": [], "system": system, "messages": [{"role": "user", "content": blocks}]}


def test_a_first_prompt_is_written() -> None:
    assert PromptCache().send([("a", 2_000)]) == Bill(written=2_000)


def test_the_beginning_that_was_sent_before_is_read() -> None:
    cache = PromptCache()
    cache.send([("a", 2_000)])
    assert cache.send([("a", 2_000), ("b", 500)]) == Bill(written=500, read=2_000)


def test_what_stands_behind_a_changed_block_is_written_again() -> None:
    cache = PromptCache()
    cache.send([("a", 2_000), ("b", 500), ("c", 500)])
    assert cache.send([("a", 2_000), ("x", 400), ("c", 500)]) == Bill(written=900, read=2_000)


def test_an_older_prompt_is_still_there() -> None:
    cache = PromptCache()
    cache.send([("a", 2_000), ("b", 500)])
    cache.send([("x", 2_000)])
    assert cache.send([("a", 2_000), ("b", 500)]) == Bill(read=2_500)


def test_a_short_prompt_is_not_cached() -> None:
    cache = PromptCache()
    cache.send([("a", 500)])
    assert cache.send([("a", 500)]) == Bill(fresh=500)


def test_breakpoints_do_not_count_as_bytes() -> None:
    assert pieces_of(body("one", "two", breakpoint_at=0)) == pieces_of(body("one", "two", breakpoint_at=1))


def test_a_result_counts_by_its_text() -> None:
    short, long = (sum(tokens for _, tokens in pieces_of(body(text))) for text in ("word", "word " * 101))
    assert long - short == 101
