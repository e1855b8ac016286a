"""The program that sent a request, by the first product that its User-Agent names."""

from __future__ import annotations

import re
from collections.abc import Mapping

CLIENTS: Mapping[str, str] = {
    "claude-cli": "Claude Code",
    "codex_cli_rs": "Codex",
    "codex_exec": "Codex",
    "codex-tui": "Codex",
    "opencode": "opencode",
    "cline": "Cline",
    "aider": "aider",
    "litellm": "LiteLLM",
    "openai": "OpenAI SDK",
    "asyncopenai": "OpenAI SDK",
    "anthropic": "Anthropic SDK",
    "asyncanthropic": "Anthropic SDK",
}
"""Names of clients by the product in their User-Agent, in lower case."""

_PRODUCT = re.compile(rb"[A-Za-z][\w.-]{0,29}")


def client_name(user_agent: bytes) -> str:
    """The client's name, or the product as it stands where it is not among CLIENTS; "" where there is none."""
    match = _PRODUCT.match(user_agent)
    product = match[0].decode("ascii", "replace") if match else ""
    return CLIENTS.get(product.lower(), product)
