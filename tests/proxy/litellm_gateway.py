"""LiteLLM's proxy as a process of its own: the real one, with guardrails that call the side-car."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.children import END_WITH_US

KEY = "sk-gateway"


@dataclass
class LiteLLM:
    """A LiteLLM that runs at `url`."""

    url: str
    client: httpx2.Client

    def ask(self, messages: Sequence[Mapping[str, Any]], *guardrails: str, **more: Any) -> httpx2.Response:
        """Send a Chat request; `guardrails` are those that it is to go through."""
        body = {"model": "gpt-5", "messages": messages, "guardrails": list(guardrails), **more}
        return self.client.post(
            f"{self.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"}
        )


def guardrail(name: str, kind: str, url: str, **more: Any) -> dict[str, Any]:
    """A guardrail of LiteLLM's configuration that calls a side-car before each request."""
    return {"guardrail_name": name, "litellm_params": {"guardrail": kind, "mode": "pre_call", "api_base": url, **more}}


@contextmanager
def gateway(folder: Path, upstream: str, guardrails: Sequence[Mapping[str, Any]]) -> Iterator[LiteLLM]:
    """LiteLLM's proxy on a free port, ready, with the model gpt-5 at `upstream`."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    model = {"model": "openai/gpt-5", "api_base": f"{upstream}/v1", "api_key": "sk-upstream"}
    config = folder / "config.yaml"
    config.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": "gpt-5", "litellm_params": model}],
                "general_settings": {"master_key": KEY},
                "guardrails": list(guardrails),
            }
        )
    )  # JSON is YAML
    log = (folder / "litellm.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", "from litellm import run_server; run_server()", "--config", str(config), "--host",
         "127.0.0.1", "--port", str(port)],
        stdout=log,
        stderr=log,
        cwd=folder,
        preexec_fn=END_WITH_US,  # noqa: PLW1509
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*", "LITELLM_TELEMETRY": "False"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    client = httpx2.Client(timeout=60, trust_env=False)
    try:
        _wait(client, url, process, folder / "litellm.log")
        yield LiteLLM(url, client)
    finally:
        client.close()
        process.kill()
        process.wait(10)
        log.close()


def _wait(client: httpx2.Client, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        with suppress(httpx2.HTTPError):
            if client.get(f"{url}/health/liveliness").status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])
