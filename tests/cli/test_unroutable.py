"""Agents that cannot be led through the proxy are named with the reason, and the others are not."""

from __future__ import annotations

import pytest

from contextprune.cli.unroutable import AGENTS, why_unroutable
from contextprune.cli.wrap import AGENTS as WRAPPED


@pytest.mark.parametrize("agent", AGENTS)
def test_the_reason_says_what_to_do_instead(agent: str) -> None:
    assert why_unroutable(agent, {}).endswith(f"start {agent} without wrap")


@pytest.mark.parametrize(
    ("name", "value", "led"),
    [
        ("CLAUDE_CODE_USE_BEDROCK", "1", False),
        ("CLAUDE_CODE_USE_VERTEX", "true", False),
        ("CLAUDE_CODE_USE_FOUNDRY", " ON ", False),
        ("CLAUDE_CODE_USE_BEDROCK", "0", True),
        ("CLAUDE_CODE_USE_BEDROCK", "", True),
        ("ANTHROPIC_API_KEY", "1", True),
    ],
)
def test_claude_code_on_another_cloud_cannot_be_led_here(name: str, value: str, led: bool) -> None:
    why = why_unroutable("claude", {name: value})
    assert (why == "") is led
    assert (name in why) is not led
    assert why_unroutable("codex", {name: value}) == ""


def test_an_agent_that_wrap_knows_is_led_here() -> None:
    assert [agent for agent in WRAPPED if why_unroutable(agent, {})] == []
