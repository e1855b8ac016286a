"""Facts about servers."""

from __future__ import annotations

from contextprune.training.executed.families import servers
from contextprune.training.executed.workbench import Workbench
from tests.training.executed.families.drawing import outputs_of


def test_a_page_that_is_not_there_is_needed(bench: Workbench) -> None:
    texts = outputs_of(servers.CHECKS, "access_log", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any("code 404" in text for text in needed)


def test_an_error_of_an_interface_is_needed_with_its_body_and_without_its_headers(bench: Workbench) -> None:
    texts = outputs_of(servers.CHECKS, "curl", bench, 2)
    needed = [output.text[a:b] for output in texts for goal in output.goals for a, b in goal.ranges]
    assert any('"error": ' in text for text in needed)
    assert not any("Server: BaseHTTP" in text for text in needed)
