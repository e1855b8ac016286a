"""What one core bears of three kinds of requests, and which of them go first where more comes than is borne.

Cores are counted in CPU time of the front and its scorers, so that what else runs on the machine changes little. Small
requests hold nothing to shorten, new ones a result of some 7,500 tokens that nobody has sent before, and replays
such a result that an earlier request of the conversation brought.

    python -m contextprune.bench.proxy.capacity
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from contextprune.bench.proxy.load import Answer, Call, Driver, post
from contextprune.bench.proxy.measure import CHAT, Figure, body_of, percentile
from contextprune.bench.proxy.processes import Served, run_our_proxy, run_upstream

COUNT = 300  # requests of each kind
WARM = 40  # requests before them
AGENTS = 4  # that wait for their answers
EXCESS = 3.0  # times what is borne of new blocks, in the mixture
_LINES = 210  # of a result: 18 kB, some 7,500 tokens
_STATUS, _REASON = b"x-contextprune-status", b"x-contextprune-reason"
PATIENT = (
    "CONTEXTPRUNE_SERVE_DEADLINE=30",
    "CONTEXTPRUNE_SERVE_PREFILL=50",
)  # what a request costs is asked first, not whether it is in time
KINDS = ("small", "replayed", "new")


def capacity(count: int = COUNT) -> Iterator[Figure]:
    """All figures, `count` requests of each kind. Reads /proc, so it needs Linux."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        provider = stack.enter_context(run_upstream())
        patient = stack.enter_context(run_our_proxy(provider, folder / "originals.sqlite3", variables=PATIENT))
        asyncio.run(_in_turn(patient, [call_of("new", -1 - number) for number in range(WARM)]))
        seconds = {}
        for kind in KINDS:
            seconds[kind], answers = asyncio.run(_cost(patient, kind, count))
            yield Figure(f"{kind}: CPU time of a request", 1000 * seconds[kind], "ms")
            yield Figure(f"{kind}: requests a second that one core bears", 1 / seconds[kind], "1/s")
            yield from shares(kind, answers)

        rate = 3 * EXCESS * len(os.sched_getaffinity(0)) / seconds["new"]
        for call in opening():  # one by one, with time for each; the other proxy reads what was decided
            asyncio.run(_in_turn(patient, [call]))
        usual = stack.enter_context(run_our_proxy(provider, folder / "originals.sqlite3"))
        yield from too_much(usual, rate, count)


def too_much(served: Served, rate: float, count: int) -> Iterator[Figure]:
    """What becomes of each kind where so many requests a second come, of all kinds in turn."""
    mixed = [(KINDS[number % 3], call_of(KINDS[number % 3], count + number // 3)) for number in range(3 * count)]
    answers = asyncio.run(_driven(served, lambda driver: driver.at_rate([call for _, call in mixed], rate)))

    yield Figure("too much: requests a second", rate, "1/s")
    for kind in KINDS:
        own = [answer for (name, _), answer in zip(mixed, answers, strict=True) if name == kind]
        yield from shares(f"too much, {kind}", own)
        yield Figure(f"too much, {kind}: latency, p50", 1000 * median(answer.late for answer in own), "ms")
        yield Figure(f"too much, {kind}: latency, p99", 1000 * percentile([answer.late for answer in own], 99), "ms")


def shares(name: str, answers: Sequence[Answer]) -> Iterator[Figure]:
    """How many of some requests were answered, and what was done with them."""
    yield Figure(f"{name}: answered", 100 * sum(a.status == 200 for a in answers) / len(answers), "%", least=100)
    outcomes = Counter(outcome_of(answer) for answer in answers)
    for outcome, number in outcomes.most_common():
        yield Figure(f"{name}: {outcome}", 100 * number / len(answers), "%")


def outcome_of(answer: Answer) -> str:
    """What the headers of an answer say was done with its request, and why not more; its status where it failed."""
    if answer.status != 200:
        return f"failed with {answer.status}" if answer.status else "the connection broke"
    status, reason = (answer.headers.get(name, b"").decode() for name in (_STATUS, _REASON))
    return f"{status}, {reason}" if reason else status


def call_of(kind: str, number: int) -> Call:
    """A request of a kind; those of the kind "replayed" go on with conversations that `opening` began."""
    if kind == "small":
        return post(CHAT, body_of([{"role": "user", "content": f"What is {number} times {number + 1}?"}]))
    if kind == "new":
        return post(CHAT, body_of(_conversation(f"new {number}")))
    agent = number % AGENTS
    later = [{"role": "assistant", "content": "It is host 7."}, {"role": "user", "content": f"Why, in case {number}?"}]
    return post(CHAT, body_of([*_conversation(f"agent {agent}"), *later]))


def opening() -> list[Call]:
    """The requests that begin the conversations of the kind "replayed"."""
    return [post(CHAT, body_of(_conversation(f"agent {agent}"))) for agent in range(AGENTS)]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its children, those that have ended included."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return sum(_cpu_seconds(each) for each in (pid, *map(int, children)))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # user and system, its own and of ended children


def _conversation(name: str) -> list[dict[str, object]]:
    call = {"id": "c0", "type": "function", "function": {"name": "logs", "arguments": f'{{"of": "{name}"}}'}}
    lines = (
        f"2026-01-01 12:{row // 60:02}:{row % 60:02} INFO {name} host{row % 17} request {row * 7919 % 9973} of unit "
        f"{row * 31 % 97} took {row * 37 % 211} ms and {row * 53 % 4099} bytes"
        for row in range(_LINES)
    )
    return [
        {"role": "user", "content": f"Which request of {name} was slow?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c0", "content": "\n".join(lines)},
    ]


async def _cost(served: Served, kind: str, count: int) -> tuple[float, list[Answer]]:
    """CPU seconds that a request of a kind takes, and the answers."""
    if kind == "replayed":
        await _in_turn(served, opening())
    calls = [call_of(kind, number) for number in range(count)]
    before = cpu_seconds(served.pid)
    answers = await _in_turn(served, calls)
    return (cpu_seconds(served.pid) - before) / count, answers


async def _in_turn(served: Served, calls: Sequence[Call]) -> list[Answer]:
    return await _driven(served, lambda driver: _answers_in_turn(driver, calls))


async def _answers_in_turn(driver: Driver, calls: Sequence[Call]) -> list[Answer]:
    """The answers in the order of the calls, of agents that each wait for theirs."""
    answers: list[list[Answer]] = await asyncio.gather(
        *(_one_by_one(driver, calls[agent::AGENTS]) for agent in range(AGENTS))
    )
    return [answer for each in answers for answer in each]


async def _one_by_one(driver: Driver, calls: Sequence[Call]) -> list[Answer]:
    return [await driver.send(call) for call in calls]


async def _driven(served: Served, work: Callable[[Driver], Awaitable[list[Answer]]]) -> list[Answer]:
    driver = Driver(served.port)
    try:
        return await work(driver)
    finally:
        driver.close()


if __name__ == "__main__":
    print(f"load {os.getloadavg()[0]:.1f}")
    for figure in capacity():
        print(f"{figure.name:60} {figure.value:10.1f} {figure.unit}")
    print(f"load {os.getloadavg()[0]:.1f}")
