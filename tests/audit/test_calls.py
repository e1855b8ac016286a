from __future__ import annotations

import pytest

from contextprune.audit.calls import call_in_words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ('{"command": "ls  -la\\n /tmp", "timeout": 5}', "ls -la /tmp, 5"),
        ('["a", 1]', '["a", 1]'),
        ("plain text", "plain text"),
        ("[" * 100_000, "[" * 89 + "…"),
        ("", ""),
    ],
)
def test_a_call_is_said_in_few_words(arguments: str, words: str) -> None:
    assert call_in_words(arguments) == words
