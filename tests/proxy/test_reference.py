"""The reference of the proxy names everything that there is, and nothing that there is not."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from contextprune.proxy.job import Reason
from contextprune.proxy.options import Options
from contextprune.proxy.telemetry.prometheus import COUNTERS, GAUGES, HISTOGRAMS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "proxy.md").read_text(encoding="utf-8")


def rows(section: str) -> dict[str, list[str]]:
    """The cells of the tables under a heading, by what their first cell names."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    return {name: row for row in cells[2:] for name in (re.findall(r"`([^`]+)`", row[0]) or row[:1])}


def test_every_option_stands_there_with_its_variable_and_its_default() -> None:
    found = rows("Options")
    for option in fields(Options):
        if option.name == "config":
            continue
        _, variable, default, _ = found.pop(option.name)
        assert variable == f"`CONTEXTPRUNE_SERVE_{option.name.upper()}`"
        value = {} if option.name == "upstreams" else option.default
        said = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        assert default == f"`{said}`", option.name
    assert found == {}


def test_every_reason_stands_there() -> None:
    assert set(rows("Reasons")) == set(Reason)


def test_every_metric_stands_there_with_its_labels() -> None:
    found = rows("Metrics")
    for name, _, labels in COUNTERS.values():
        assert re.findall(r"`(\w+)`", found.pop(f"{name}_total")[1]) == list(labels), name
    for name, _, labels in HISTOGRAMS.values():
        assert re.findall(r"`(\w+)`", found.pop(name)[1]) == list(labels), name
    for gauge in GAUGES:
        del found[f"contextprune_scorer_{gauge}{'_total' if gauge == 'restarts' else ''}"]
    rest = ("breaker_state", "build_info", "canary", "in_flight")
    assert sorted(found) == [f"contextprune_{name}" for name in rest]


def test_the_flags_of_the_command_are_options_that_stand_there() -> None:
    import typer.main

    from contextprune.cli.app import app

    group: Any = typer.main.get_command(app)
    command = group.commands["serve"]
    names = {
        "upstream": "upstreams",
        "show_content": "content",
        "with_parent": "",
        "repetitions_only": "",
        "config": "",
        "inherit": "",
    }
    flags = {names.get(parameter.name or "", parameter.name) for parameter in command.params} - {"", "help"}
    assert flags <= set(rows("Options"))
