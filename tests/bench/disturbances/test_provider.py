"""The provider of the bench, over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from contextprune.bench.disturbances.provider import LABEL, provide
from contextprune.bench.proxy.load import Answer, Driver, post

pytest.importorskip("uvicorn")


def body(text: str) -> bytes:
    system = [{"type": "text", "text": "Be brief. " * 500}]
    return json.dumps({"tools": [], "system": system, "messages": [{"role": "user", "content": text}]}).encode()


async def answered(port: int, label: str, text: str) -> Answer:
    driver = Driver(port)
    try:
        return await driver.send(post("/v1/messages", body(text), [(LABEL.decode(), label)]))
    finally:
        driver.close()


def test_usage_says_what_was_read_from_the_cache() -> None:
    with provide(seconds=0) as provider:
        first, second = (asyncio.run(answered(provider.port, f"s {n}", "a question")) for n in range(2))
    usages = [json.loads(answer.body)["usage"] for answer in (first, second)]
    assert usages[0]["cache_read_input_tokens"] == 0
    assert usages[1]["cache_read_input_tokens"] == usages[0]["cache_creation_input_tokens"] > 1_000


def test_sessions_do_not_share_a_cache() -> None:
    with provide(seconds=0) as provider:
        for name in ("s", "t"):
            asyncio.run(answered(provider.port, f"{name} 0", "a question"))
    assert [arrived.bill.read for arrived in provider.arrived.values()] == [0, 0]
