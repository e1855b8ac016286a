"""Two proxies with one Redis that get a session's requests in turn: each sends what the other one sent."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import redis_server
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import log
from tests.proxy.provider import Provider, providing
from tests.proxy.serve_process import Served, ask, later, outcome, question, serving

pytestmark = redis_server.needed


@dataclass
class Replicas:
    """Two proxies before a provider, and a session that goes through them in turn."""

    server: redis_server.Server
    provider: Provider
    proxies: list[Served]
    body: dict[str, Any] = field(default_factory=lambda: question("first"))
    count: int = 0

    def turn(self, rows: int = 150) -> tuple[str, str]:
        """Send the session's next request, with a log of so many rows, through the other proxy; its outcome."""
        if self.count:
            self.body = later(self.body, log(f"page {self.count}", rows))
        served = self.proxies[self.count % 2]
        self.count += 1
        return outcome(ask(served, self.body))

    def sent(self) -> list[list[str]]:
        """The results in each request as the provider got them."""
        bodies = [request.json["messages"] for request in self.provider.requests]
        return [[message["content"] for message in body if message["role"] == "tool"] for body in bodies]

    def originals(self) -> list[str]:
        """The results as the client sends them."""
        return [message["content"] for message in self.body["messages"] if message["role"] == "tool"]


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[Replicas]:
    with _replicas(tmp_path) as both:
        yield both


@contextmanager
def _replicas(folder: Path) -> Iterator[Replicas]:
    with ExitStack() as stack:
        server = stack.enter_context(redis_server.running(folder))
        provider = stack.enter_context(providing())
        proxies = [
            stack.enter_context(serving(provider, server.url, "--recall", "mcp", "--scorers", "1")) for _ in "ab"
        ]
        yield Replicas(server, provider, proxies)


def test_in_turn_they_send_what_the_other_one_sent(replicas: Replicas) -> None:
    outcomes = [replicas.turn() for _ in range(6)]
    sent = replicas.sent()
    assert outcomes == [("applied", "")] * 6
    assert all(now[: len(before)] == before for before, now in itertools.pairwise(sent))
    assert not set(sent[-1]) & set(replicas.originals())


def test_without_a_scorer_one_replays_what_the_other_one_decided(replicas: Replicas) -> None:
    for _ in range(3):  # too little for a second chance to pay
        replicas.turn(40)
    for scorer in replicas.proxies[1].scorers:
        scorer.send_signal(signal.SIGSTOP)
    replicas.proxies[1].client.timeout = 120
    assert replicas.turn(40) == ("applied", "late")
    sent = replicas.sent()
    assert sent[3] == [*sent[2], replicas.originals()[3]]
    assert replicas.turn(40)[0] == "applied"
    assert replicas.sent()[4][:4] == sent[3]  # the block that was late there stays whole here


def test_after_the_redis_was_wiped_they_come_to_agree(replicas: Replicas) -> None:
    for _ in range(4):
        replicas.turn()
    with replicas.server.admin as admin:
        admin.flushall()
    for _ in range(4):
        replicas.turn()
    sent = replicas.sent()
    changed = [n for n in range(1, 8) if sent[n][: len(sent[n - 1])] != sent[n - 1]]
    assert changed in ([], [4])  # the first one after the wipe did not know what the other one had sent last


def test_after_the_redis_was_wiped_what_is_new_is_shortened(replicas: Replicas) -> None:
    replicas.turn()
    with replicas.server.admin as admin:
        admin.flushall()
    replicas.turn()
    until(lambda: replicas.turn() == ("applied", ""))
    assert replicas.sent()[-1][-1] != replicas.originals()[-1]
