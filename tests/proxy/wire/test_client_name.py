from __future__ import annotations

import pytest

from contextprune.proxy.wire.client_name import client_name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (b"claude-cli/2.0.14 (external, cli)", "Claude Code"),
        (b"codex_cli_rs/0.63.0 (Debian 12; x86_64) xterm", "Codex"),
        (b"AsyncOpenAI/Python 2.8.0", "OpenAI SDK"),
        (b"Anthropic/JS 0.60.0", "Anthropic SDK"),
        (b"my-agent/1.0", "my-agent"),
        (b"", ""),
        (b"<script>alert(1)</script>", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_client_is_called_by_the_first_product_it_names(user_agent: bytes, name: str) -> None:
    assert client_name(user_agent) == name


def test_a_long_name_is_cut() -> None:
    assert len(client_name(b"x" * 5000)) == 30
