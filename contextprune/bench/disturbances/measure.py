"""Sessions sent through the proxy under one disturbance after another, each with a new store.

Direct is the same requests without us under the same cache, so each disturbance is compared with itself.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from contextprune.bench.disturbances.cache import TARIFF, PromptCache, pieces_of
from contextprune.bench.disturbances.disturbances import Disturbance, Stage
from contextprune.bench.disturbances.prefix import Altered, Pairs, altered, pairs_of
from contextprune.bench.disturbances.provider import LABEL, Provider, provide
from contextprune.bench.disturbances.replica import Replica
from contextprune.bench.disturbances.requests import Body, Recorded, with_breakpoint
from contextprune.bench.proxy.load import Answer, Call, Driver, post
from contextprune.interpreter import command

PATH = "/v1/messages"
HEADERS = (("x-api-key", "bench"), ("anthropic-version", "2023-06-01"))
_STATUS, _REASON, _ID = (b"x-contextprune-" + name for name in (b"status", b"reason", b"request-id"))

Epochs: TypeAlias = Sequence[set[tuple[int, int]]]
"""(start, number of the request) of each epoch, by replica."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request and what became of it.

    direct, paid       its price without and with us, in tokens at the full input price
    tokens, sent       of the prompt, as the client sent it and as it went up
    added              seconds that it took longer than the provider did
    altered            the first block that went up in other bytes than before
    declared           the log calls it an epoch, or a second chance
    outcome            what the proxy says that it did
    failed             it never got up, or came back as an error
    """

    number: int
    direct: float = 0.0
    paid: float = 0.0
    tokens: int = 0
    sent: int = 0
    added: float = 0.0
    altered: Altered | None = None
    declared: bool = False
    outcome: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """One session under one disturbance."""

    disturbance: str
    session: str
    requests: tuple[Exchanged, ...]


def disturb(sessions: Sequence[Recorded], disturbance: Disturbance) -> list[Outcome]:
    """Send sessions one after the other under a disturbance, through proxies with a new store."""
    with ExitStack() as stack:
        provider = stack.enter_context(provide())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        names = [f"proxy-{number}" for number in range(disturbance.replicas)]
        replicas = [stack.enter_context(Replica(provider.port, folder, name)) for name in names]
        stage = Stage(replicas, sum(len(session.bodies) for session in sessions))
        stack.enter_context(disturbance.around())

        runs = [asyncio.run(_run(session, disturbance, stage, provider)) for session in sessions]
        for replica in replicas:
            replica.stop()  # so that the whole log is written
        epochs = [replica.epochs() for replica in replicas]
    return [
        Outcome(disturbance.name, session.id, tuple(_exchanges(session, disturbance, provider, run, epochs)))
        for session, run in zip(sessions, runs, strict=True)
    ]


def promise(sessions: Sequence[Recorded]) -> int:
    """The tokens that `contextprune audit` says it would take out of these sessions on this machine."""
    with TemporaryDirectory() as folder:
        for number, session in enumerate(sessions):
            (Path(folder) / f"{number}.json").write_text(json.dumps(session.bodies[-1]), encoding="utf-8")
        audit = command("-m", "contextprune", "audit", folder, "--json", "--compare", "0")
        answer = subprocess.run(audit, capture_output=True, check=True)  # noqa: S603 - our own
    before, after = (json.loads(answer.stdout)["tokens"][side] for side in ("before", "after"))
    return int(sum(before.values()) - sum(after.values()))


@dataclass(frozen=True, slots=True)
class _Sent:
    label: str
    body: Body
    replica: int
    start: int
    answer: Answer


async def _run(session: Recorded, disturbance: Disturbance, stage: Stage, provider: Provider) -> list[_Sent]:
    """Send a session's requests, each when the one before has been answered."""
    name = blake2b(session.id.encode(), digest_size=8).hexdigest()
    of, run = len(session.bodies), []
    for number, body in enumerate(session.bodies):
        at = number % len(stage.replicas)
        label = f"{name} {number}"
        changed = with_breakpoint(disturbance.change(body, number, of))
        headers = [*HEADERS, (LABEL.decode(), label), ("x-claude-code-session-id", name)]
        call = post(PATH, json.dumps(changed).encode(), headers)

        struck = stage.hits
        with disturbance.moment(stage, number, of):
            answer = await _send(stage.replicas[at].port, call)
        stage.sent += 1
        if stage.hits > struck or _REASON in answer.headers:
            await asyncio.sleep(stage.answer)
        run.append(_Sent(label, changed, at, stage.replicas[at].starts, answer))
    assert provider.arrived, "nothing got up to the provider"
    return run


async def _send(port: int, call: Call) -> Answer:
    """Send one request over a connection of its own: a proxy that restarts has closed all others."""
    driver = Driver(port)
    try:
        return await driver.send(call)
    finally:
        driver.close()


def _exchanges(
    session: Recorded, disturbance: Disturbance, provider: Provider, run: Sequence[_Sent], epochs: Epochs
) -> Iterator[Exchanged]:
    """What became of each request of a session, in order."""
    direct_cache = PromptCache()
    before: Pairs = ()
    for number, sent in enumerate(run):
        pieces = pieces_of(disturbance.change(session.bodies[number], number, len(run)))
        direct = direct_cache.send(pieces)
        arrived = provider.arrived.get(sent.label)
        headers = sent.answer.headers
        if arrived is None or sent.answer.status != 200:
            yield Exchanged(number, outcome=f"status {sent.answer.status}", failed=True)
            continue

        pairs = pairs_of(sent.body, arrived.body)
        yield Exchanged(
            number=number,
            direct=direct.priced(TARIFF),
            paid=arrived.bill.priced(TARIFF),
            tokens=direct.tokens,
            sent=arrived.bill.tokens,
            added=sent.answer.late - arrived.seconds,
            altered=altered(before, pairs),
            declared=(sent.start, int(headers[_ID].rpartition(b"-")[2])) in epochs[sent.replica],
            outcome=" ".join(headers.get(name, b"").decode() for name in (_STATUS, _REASON)).strip(),
        )
        before = pairs
