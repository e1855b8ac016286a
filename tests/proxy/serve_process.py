"""`contextprune serve` as a process of its own, as users run it, and what is to be known of it from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil

from contextprune.markers import KEY
from tests.children import END_WITH_US
from tests.proxy.in_process import until
from tests.proxy.pool.running_pool import log
from tests.proxy.provider import Provider

TIME = {"CONTEXTPRUNE_SERVE_DEADLINE": "20", "CONTEXTPRUNE_SERVE_PREFILL": "10"}
"""Time for all decisions, however busy the machine is."""


@dataclass
class Served:
    """A proxy that runs. `said` is what it wrote to standard error, line by line."""

    process: subprocess.Popen[str]
    store: Path
    url: str = ""
    said: list[str] = field(default_factory=list)
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=60, verify=False, trust_env=False))

    def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        """POST a JSON body, or `content`."""
        given = more if body is None else {"json": body, **more}
        return self.client.post(self.url + path, **given)

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.client.get(self.url + path, **more)

    @property
    def front(self) -> psutil.Process:
        return psutil.Process(self.process.pid)

    @property
    def scorers(self) -> list[psutil.Process]:
        """The scorer processes, as far as they have got to be such."""
        return [
            child for child in self.front.children() if "contextprune.proxy.worker.main" in " ".join(child.cmdline())
        ]

    def lines(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in list(self.said) if line.startswith("{")]

    def kill(self) -> None:
        """End the front and its scorers at the same moment, without a word."""
        victims = [self.front, *self.front.children(recursive=True)]
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        self.process.wait(60)
        until(lambda: not any(map(lives, victims)))

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))


@contextmanager
def serving(
    provider: Provider, store: Path | str, *flags: str, ready: bool = True, environment: Mapping[str, str] = TIME
) -> Iterator[Served]:
    """A proxy on a free port, ready. `environment` is added to our own."""
    urls = ["--upstream-openai", provider.url, "--upstream-anthropic", provider.url]
    process = subprocess.Popen(
        [sys.executable, "-m", "contextprune", "serve", "--port", "0", *urls, *flags],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CONTEXTPRUNE_STORE": str(store), "CONTEXTPRUNE_SCORER": "lexical", **environment},
        preexec_fn=END_WITH_US,  # noqa: PLW1509
    )
    served = Served(process, Path(store))
    listening = threading.Thread(target=served._listen, daemon=True)
    listening.start()
    try:
        until(lambda: any("listens at " in line for line in list(served.said)) or process.poll() is not None)
        served.url = next(line for line in served.said if "listens at " in line).partition("listens at ")[2].split()[0]
        while ready and not is_ready(served):
            assert process.poll() is None, served.said
            time.sleep(0.05)  # each question takes its time, too
        yield served
    finally:
        served.client.close()
        if process.poll() is None:
            served.kill()
        process.wait(60)
        listening.join(60)
        assert process.stderr is not None
        process.stderr.close()


def lives(process: psutil.Process) -> bool:
    """Whether a process still runs; one that its parent only has to take note of does not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def is_ready(served: Served) -> bool:
    """Whether it listens and a scorer is up."""
    try:
        return bool(figures(served)["ready"] > 0)
    except httpx2.HTTPError:
        return False


def figures(served: Served) -> dict[str, Any]:
    """How its scorers stand."""
    found: dict[str, Any] = served.get("/stats").json()["scorers"]
    return found


def question(name: str, texts: list[str] | None = None, **more: Any) -> dict[str, Any]:
    """A Chat body whose tools, called all at once, gave these results; by default one long log."""
    results = texts or [log(name, 150)]
    calls = [
        {"id": f"c{i}", "type": "function", "function": {"name": "logs", "arguments": f'{{"page": {i}}}'}}
        for i in range(len(results))
    ]
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": f"Which request on {name} was slow?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": f"c{i}", "content": text} for i, text in enumerate(results)),
    ]
    return {"model": "gpt-5", "messages": messages, **more}


def later(body: dict[str, Any], text: str) -> dict[str, Any]:
    """The same conversation after another call."""
    at = f"c{len(body['messages'])}"
    call = {"id": at, "type": "function", "function": {"name": "logs", "arguments": '{"page": 99}'}}
    told = [
        {"role": "assistant", "content": "I need more.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": at, "content": text},
    ]
    return {**body, "messages": [*body["messages"], *told]}


def ask(served: Any, body: Any, **headers: str) -> httpx2.Response:
    """Send a Chat body; it must be answered with 200."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    got: httpx2.Response = served.post("/v1/chat/completions", body, headers=named)
    assert got.status_code == 200, got.text
    return got


def outcome(got: httpx2.Response) -> tuple[str, str]:
    """What the proxy says that it did, and why not."""
    return got.headers["x-contextprune-status"], got.headers.get("x-contextprune-reason", "")


def keys(body: bytes) -> list[str]:
    """The recall keys in a body."""
    return KEY.findall(body.decode())
