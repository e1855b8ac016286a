"""What model names tell, in every spelling met so far."""

from __future__ import annotations

import pytest

from contextprune.dialects.models import binds_reasoning, claude_version, gpt_version

OLDER = {
    "claude-instant-1.2": (1, 2),
    "claude-2.1": (2, 1),
    "anthropic.claude-v2:1": (2, 0),
    "claude-3-opus-20240229": (3, 0),
    "claude-3-5-sonnet-20241022": (3, 5),
    "claude-3-5-sonnet-v2@20241022": (3, 5),
    "claude-3-7-sonnet-latest": (3, 7),
    "anthropic/claude-3.7-sonnet:thinking": (3, 7),
    "anthropic.claude-3-haiku-20240307-v1:0": (3, 0),
    "claude-opus-4-20250514": (4, 0),
    "claude-sonnet-4-0": (4, 0),
    "claude-opus-4@20250514": (4, 0),
    "claude-4-sonnet": (4, 0),
    "claude-opus-4-1-20250805": (4, 1),
    "vertex_ai/claude-opus-4-1@20250805": (4, 1),
    "us.anthropic.claude-opus-4-1-20250805-v1:0": (4, 1),
    "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0": (4, 5),
    "arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0": (4, 0),
    "claude-haiku-4-5": (4, 5),
    "databricks-claude-sonnet-4-5": (4, 5),
    "anthropic.claude-opus-4-6-v1": (4, 6),
    "anthropic/claude-opus-4.7": (4, 7),
    "Claude-Opus-4-8": (4, 8),
    "claude-opus-5": (5, 0),
    "claude-opus-5-0": (5, 0),
    "claude-sonnet-5-20260601": (5, 0),
    "global.anthropic.claude-opus-5": (5, 0),
    "claude-fable-5": (5, 0),
    "claude-opus-5[1m]": (5, 0),
}

BOUND = {
    "claude-fable-5-1": (5, 1),
    "claude-mythos-5-1": (5, 1),
    "claude-fable-5-1-20260901": (5, 1),
    "claude-fable-5-1@20260901": (5, 1),
    "global.anthropic.claude-fable-5-1-v1:0": (5, 1),
    "anthropic/claude-fable-5.1": (5, 1),
    "claude-opus-5-5": (5, 5),
    "claude-opus-5-5[1m]": (5, 5),
    "vertex_ai/claude-opus-5-5@20260920": (5, 5),
    "bedrock/us.anthropic.claude-sonnet-5-5-20261001-v1:0": (5, 5),
    "openrouter/anthropic/claude-sonnet-5.5": (5, 5),
    "claude-haiku-6": (6, 0),
    "claude-saga-10-2": (10, 2),
}

UNKNOWN = [
    "",
    "m",
    "opus",
    "claude-next",
    "claude-latest",
    "arn:aws:bedrock:eu-west-1:1:application-inference-profile/x1y2",
]


@pytest.mark.parametrize(("name", "version"), [*OLDER.items(), *BOUND.items()])
def test_a_name_tells_the_version_in_every_spelling(name: str, version: tuple[int, int]) -> None:
    assert claude_version(name) == version


@pytest.mark.parametrize("name", OLDER)
def test_an_older_model_does_not_bind_its_reasoning(name: str) -> None:
    assert not binds_reasoning(name)


@pytest.mark.parametrize("name", [*BOUND, *UNKNOWN])
def test_newer_and_unknown_models_bind_their_reasoning(name: str) -> None:
    assert binds_reasoning(name)


@pytest.mark.parametrize("name", [*UNKNOWN, "gpt-5.6", "deepseek-v3.1", "o3"])
def test_a_name_without_a_version_of_claude_tells_none(name: str) -> None:
    assert claude_version(name) is None


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("gpt-4o", (4, 0)),
        ("gpt-4.1-2025-04-14", (4, 1)),
        ("gpt-5", (5, 0)),
        ("openai/gpt-5.6-sol", (5, 6)),
        ("azure/gpt-5.1-codex", (5, 1)),
        ("gpt-6-astra", (6, 0)),
        ("o3", None),
        ("gpt-oss-120b", None),
        ("claude-opus-5", None),
    ],
)
def test_a_gpt_name_tells_its_version(name: str, version: tuple[int, int] | None) -> None:
    assert gpt_version(name) == version
