from __future__ import annotations

from contextprune.audit.logged import Logged, count, of_steps


def test_calls_add_up() -> None:
    assert Logged(1, 2, 3, 4, 5) + Logged(1, 10, 20, 30, 40) == Logged(2, 12, 23, 34, 45)
    assert Logged(1, 2, 3, 4, 5).tokens == 9


def test_only_numbers_of_tokens_count() -> None:
    assert [count(value) for value in (7, 0, -3, True, 2.5, "9", None)] == [7, 0, 0, 0, 0, 0, 0]


def test_the_metrics_of_steps_tell_what_the_cache_had() -> None:
    steps = [
        {"source": "user"},
        {"source": "agent", "metrics": {"prompt_tokens": 100, "cached_tokens": 0, "completion_tokens": 9}},
        {"source": "agent", "metrics": {"prompt_tokens": 130, "cached_tokens": 90}},
        {"source": "agent", "metrics": None},
    ]
    assert of_steps({"steps": steps}) == Logged(2, fresh=140, read=90, output=9)


def test_steps_without_metrics_tell_nothing() -> None:
    assert of_steps({"steps": [{"source": "user"}]}) is None
    assert of_steps({}) is None
