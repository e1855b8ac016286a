"""Agents that no base URL leads through a proxy of ours, and why: a sentence in place of a session that passes by."""

from __future__ import annotations

from collections.abc import Mapping

_GOOGLES = "speaks Google's own API, which contextprune does not read: it could relay the requests, not shorten them"
_ELSEWHERE = "sends its requests through servers of its maker, so none of them would come through contextprune"
AGENTS: Mapping[str, str] = {
    "gemini": f"Gemini CLI {_GOOGLES}",
    "cursor-agent": f"Cursor {_ELSEWHERE}",
    "copilot": f"Copilot {_ELSEWHERE}",
    "amp": f"Amp {_ELSEWHERE}",
    "q": f"Amazon Q {_ELSEWHERE}",
    "kiro-cli": f"Kiro {_ELSEWHERE}",
}
"""By the name of the command."""

_CLOUDS: Mapping[str, str] = {  # variables of Claude Code, under which it does not look at ANTHROPIC_BASE_URL
    "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock",
    "CLAUDE_CODE_USE_VERTEX": "Google Vertex AI",
    "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
}
_TRUE = frozenset({"1", "true", "yes", "on"})


def why_unroutable(agent: str, variables: Mapping[str, str]) -> str:
    """The sentence on why requests of `agent` cannot be led through a proxy, "" where they can or nobody knows."""
    if agent == "claude":
        for name, cloud in _CLOUDS.items():
            if variables.get(name, "").strip().lower() in _TRUE:
                return (
                    f"{name} is set, so Claude Code asks {cloud} directly, and no request would come through "
                    f"contextprune: unset it, or start claude without wrap"
                )
    why = AGENTS.get(agent)
    return f"{why}; start {agent} without wrap" if why else ""
