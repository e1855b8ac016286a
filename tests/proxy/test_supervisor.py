"""Several front processes behind one socket."""

from __future__ import annotations

import signal

import httpx2
import psutil

from tests.proxy.in_process import until
from tests.proxy.provider import providing
from tests.proxy.serve_process import lives
from tests.proxy.test_server import process


def test_workers_share_a_port_are_replaced_when_they_die_and_end_together() -> None:
    with providing() as provider, process(provider, "--workers", "2", "--scorers", "2") as (parent, url):
        whole = psutil.Process(parent.pid)
        until(lambda: len(whole.children()) == 2)
        for _ in range(20):
            assert httpx2.get(f"{url}/v1/models").content == b"pong"
        victim = whole.children()[0]
        victim.send_signal(signal.SIGKILL)
        until(lambda: victim.pid not in {child.pid for child in whole.children()} and len(whole.children()) == 2)
        assert httpx2.get(f"{url}/v1/models").content == b"pong"
        until(lambda: len(whole.children(recursive=True)) >= 4)
        family = whole.children(recursive=True)
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(60) == 0
        until(lambda: not any(one.is_running() for one in family))


def test_workers_end_with_their_parent_however_it_ends() -> None:
    with providing() as provider, process(provider, "--workers", "2") as (parent, _):
        whole = psutil.Process(parent.pid)
        until(lambda: len(whole.children(recursive=True)) >= 3)
        family = whole.children(recursive=True)
        parent.kill()
        parent.wait(60)
        until(lambda: not any(map(lives, family)))
