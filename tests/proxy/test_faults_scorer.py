"""Scorers that die, hang or run out of memory under a running proxy: every request reaches the provider."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from contextprune.proxy.options import Options
from contextprune.proxy.pool.breaker import Breaker
from contextprune.proxy.pool.pool import ScorerPool
from tests.proxy.in_process import Running, running, until
from tests.proxy.pool.running_pool import BRIEF, log
from tests.proxy.provider import providing
from tests.proxy.serve_process import ask, figures, outcome, question, serving

PATIENT = 20.0  # seconds for decisions, however busy the machine is


@contextmanager
def hurt(
    folder: Path, *, count: int = 1, grace: float = 2.0, most: int = 5, pause: float = 1.0, **time_allowed: float
) -> Iterator[Running]:
    """A proxy whose scorers are about to suffer; `most` failures open the breaker, for `pause` seconds."""
    settings = folder / "contextprune.toml"
    settings.write_text('store = "./originals.sqlite3"\nscorer = "lexical"\n')
    allowed: dict[str, Any] = {"deadline": PATIENT, "prefill": 0.1, **time_allowed}
    options = Options(**allowed, scorers=count, config=str(settings))
    breaker = lambda: Breaker(time.monotonic, limit=most, pause=pause)  # noqa: E731 - one line says it
    scorers = ScorerPool(options, grace=grace, breaker=breaker)
    with providing() as provider, running(provider, scorers, **allowed) as proxy:
        until(lambda: len(pids(proxy)) == count)
        yield proxy
        assert provider.refused == 0


def pids(proxy: Running) -> list[int]:
    scorers = proxy.app.pool
    assert isinstance(scorers, ScorerPool)
    return scorers.pids()


def tell(proxy: Running, sig: signal.Signals) -> list[int]:
    """Send a signal to all scorers."""
    told = pids(proxy)
    for pid in told:
        os.kill(pid, sig)
    return told


def works(proxy: Running) -> None:
    """Wait until requests are shortened again, by themselves."""
    numbers = iter(range(1000))
    until(lambda: outcome(ask(proxy, question("again", [log(f"again {next(numbers)}", 2000)])))[0] == "applied")


def shortened_at_once(proxy: Running) -> dict[str, Any]:
    """A request that was shortened when it first came: what was late once is remembered as sent whole."""
    fresh = (question(f"begun {number}") for number in range(100))
    return next(body for body in fresh if outcome(ask(proxy, body)) == ("applied", ""))


def sent_whole(proxy: Running, body: object) -> bool:
    """Whether the provider received this very body last."""
    return bool(proxy.provider.requests[-1].json == body)


def test_scorers_killed_in_the_middle_of_their_work_cost_no_request(tmp_path: Path) -> None:
    with hurt(tmp_path, count=2) as proxy, ThreadPoolExecutor(6) as pool:
        before = pids(proxy)
        bodies = [question(f"k{i}", [log(f"k{i}", 2000)]) for i in range(6)]
        coming = [pool.submit(ask, proxy, body) for body in bodies]
        until(lambda: proxy.app.pool.status().in_flight > 0)
        tell(proxy, signal.SIGKILL)
        said = [outcome(each.result(60)) for each in coming]
        assert ("passed", "crashed") in said
        assert {status for status, _ in said} <= {"passed", "applied"}
        received = [request.json for request in proxy.provider.requests]
        assert len(received) == 6
        for body, (status, _) in zip(bodies, said, strict=True):
            assert (body in received) == (status == "passed")
        works(proxy)
        until(lambda: len(pids(proxy)) == 2)
        assert not set(before) & set(pids(proxy))
        assert not any(psutil.pid_exists(pid) for pid in before)


def test_a_request_that_waits_for_a_hung_scorer_passes_as_late_and_the_scorer_is_replaced(tmp_path: Path) -> None:
    with hurt(tmp_path, prefill=BRIEF, grace=0.5) as proxy:
        stopped = tell(proxy, signal.SIGSTOP)
        body = question("hung")
        assert outcome(ask(proxy, body)) == ("passed", "late")
        assert sent_whole(proxy, body)
        until(lambda: bool(pids(proxy)) and pids(proxy) != stopped)
        assert not psutil.pid_exists(stopped[0])
        works(proxy)


def test_a_scorer_that_only_paused_goes_on_where_it_was(tmp_path: Path) -> None:
    with hurt(tmp_path, deadline=1.0, grace=60.0) as proxy:
        first = shortened_at_once(proxy)
        sent = proxy.provider.requests[-1].json["messages"]
        stopped = tell(proxy, signal.SIGSTOP)
        turn = {"role": "user", "content": "And then?"}
        assert outcome(ask(proxy, {**first, "messages": [*first["messages"], turn]})) == ("applied", "late")
        assert proxy.provider.requests[-1].json["messages"][:3] == sent
        assert pids(proxy) == stopped  # the deadline ended the wait, not the scorer's end
        tell(proxy, signal.SIGCONT)
        until(lambda: proxy.app.pool.status().in_flight == 0)
        later = {**first, "messages": [*first["messages"], turn, {"role": "assistant", "content": "Nothing."}, turn]}
        until(lambda: outcome(ask(proxy, later))[0] == "applied")
        assert proxy.provider.requests[-1].json["messages"][:3] == sent  # what the provider had cached before
        assert pids(proxy) == stopped


def test_a_full_queue_sheds_new_large_blocks_and_never_a_replay(tmp_path: Path) -> None:
    with (
        hurt(tmp_path, deadline=2.0, grace=60.0, queue_tokens=1000) as proxy,
        ThreadPoolExecutor(5) as pool,
    ):
        first = shortened_at_once(proxy)
        sent = proxy.provider.requests[-1].json["messages"]
        tell(proxy, signal.SIGSTOP)
        new = [question(f"new {number}", [log(f"new {number}", 2000)]) for number in range(4)]
        coming = [pool.submit(ask, proxy, body) for body in new]
        turn = {"role": "user", "content": "And then?"}
        replayed = ask(proxy, {**first, "messages": [*first["messages"], turn]})
        outcomes = [outcome(each.result(60)) for each in coming]
        tell(proxy, signal.SIGCONT)

        assert outcome(replayed)[0] == "applied"
        assert {status for status, _ in outcomes} == {"passed"}
        assert ("passed", "busy") in outcomes
        assert sent in [request.json["messages"][:3] for request in proxy.provider.requests[1:]]
        assert re.search(r'_requests_total\{[^}]*reason="busy"[^}]*status="passed"', proxy.get("/metrics").text)


def test_scorers_that_hang_each_time_are_left_alone_until_one_works(tmp_path: Path) -> None:
    with hurt(tmp_path, prefill=4 * BRIEF, grace=0.1, most=2, pause=3.0) as proxy:
        for i in range(2):
            until(lambda: bool(pids(proxy)))
            [stopped] = tell(proxy, signal.SIGSTOP)
            assert outcome(ask(proxy, question(f"b{i}"))) == ("passed", "late")
            until(lambda pid=stopped: pid not in pids(proxy))  # type: ignore[misc]
        assert proxy.app.pool.status().breaker in ("open", "half-open")
        until(lambda: bool(pids(proxy)))
        body = question("meanwhile")
        was_open = proxy.app.pool.status().breaker == "open"
        got = ask(proxy, body)
        if was_open and proxy.app.pool.status().breaker == "open":
            assert outcome(got) == ("passed", "breaker")
            assert sent_whole(proxy, body)
        works(proxy)
        assert proxy.app.pool.status().breaker == "closed"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux can limit another process")
def test_a_scorer_without_memory_costs_no_request(tmp_path: Path) -> None:
    with hurt(tmp_path, deadline=1.0) as proxy:
        works(proxy)
        [pid] = pids(proxy)
        resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))  # it gets no more than it has
        for number in range(1000):
            body = question(f"large {number}", [log(f"large {number} {i}", 4000) for i in range(28)])
            status, reason = outcome(ask(proxy, body))
            if reason != "busy":
                break
            time.sleep(0.1)  # what was late before is still being prepared
        assert reason in ("crashed", "late")  # it died of it, or was slow
        assert status == "applied" or sent_whole(proxy, body)
        if pid in pids(proxy):
            tell(proxy, signal.SIGKILL)  # as a system without memory does in the end
        until(lambda: bool(pids(proxy)) and pids(proxy) != [pid])
        works(proxy)


def test_without_any_scorer_everything_still_works(tmp_path: Path) -> None:
    settings = tmp_path / "contextprune.toml"
    settings.write_text("recall = 7\n")  # no scorer can start with that
    options = Options(config=str(settings))
    scorers = ScorerPool(options)
    # `running` waits for scorers that are ready, so one that never is must say so
    with providing() as provider, running(provider, _Never(scorers)) as proxy:
        until(lambda: "recall" in scorers.status().trouble)
        body = question("nobody")
        got = ask(proxy, body)
        assert outcome(got) == ("passed", "starting")
        assert provider.requests[-1].body == json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        stats = proxy.get("/stats").json()["scorers"]
        assert stats["ready"] == 0
        assert "recall lies above 0" in stats["trouble"]
        assert proxy.get("/livez").status_code == 200


class _Never:
    """Scorers, called ready before they are."""

    ready = True

    def __init__(self, scorers: ScorerPool) -> None:
        self.start, self.stop, self.ask = scorers.start, scorers.stop, scorers.ask
        self.refused, self.status = scorers.refused, scorers.status
        self.catch_up, self.failed = scorers.catch_up, scorers.failed


def test_why_no_scorer_starts_is_said_once_and_requests_go_on(tmp_path: Path) -> None:
    wrong = {"CONTEXTPRUNE_SCORER": "lexcal"}
    with providing() as provider, serving(provider, tmp_path / "s", ready=False, environment=wrong) as served:
        until(lambda: any("no scorer starts" in line for line in list(served.said)))
        until(lambda: figures(served)["restarts"] >= 2)
        assert outcome(ask(served, question("unscored"))) == ("passed", "starting")
        [line] = [line for line in served.lines() if line["message"].startswith("no scorer starts")]
        assert "did you mean 'lexical'" in line["message"]
