from __future__ import annotations

import json
import re
from html import unescape

import pytest

from contextprune.display.plots import bar, cumulated, curves


def points(svg: str, name: str) -> list[tuple[float, float]]:
    found = re.search(rf'<polyline class={name} points="([^"]*)"', svg)
    assert found
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found[1].split())]


def said(svg: str) -> tuple[list[float], list[str]]:
    found = re.search(r'data-said="([^"]*)"', svg)
    assert found
    places, words = json.loads(unescape(found[1]))
    return places, words


def test_curves_run_from_edge_to_edge_and_the_higher_value_is_higher_up() -> None:
    drawn = curves("Cost", [1.0, 2.0, 4.0], [1.0, 1.0, 2.0], str)
    old, new = points(drawn, "old"), points(drawn, "new")
    assert [x for x, _ in old] == [x for x, _ in new] == [0, 500, 1000]
    assert old[0][1] == new[0][1] > new[1][1] - 1e-9 > old[1][1] > old[2][1] > 0


def test_every_point_is_said_in_words() -> None:
    places, words = said(curves("Cost", [1.0, 2.0], [1.0, 1.5], "{:.1f} $".format, ["", "epoch"]))
    assert places == [0, 1000]
    assert words[0] == "request 1: 1.0 $ without, 1.0 $ with"
    assert words[1].startswith("request 2: 2.0 $ without, 1.5 $ with; an epoch")


def test_epochs_and_cold_caches_are_marked_where_they_are() -> None:
    drawn = curves("Tokens", [1, 2, 3, 4, 5], [1, 2, 1, 2, 3], str, ["", "cold", "epoch", "", ""])
    assert "<line class=cold x1=250.0" in drawn
    assert "<line class=epoch x1=500.0" in drawn


def test_many_requests_are_thinned_but_the_ends_and_the_marked_ones_stay() -> None:
    marks = ["epoch" if i == 1234 else "" for i in range(5000)]
    places, words = said(curves("Cost", list(range(5000)), list(range(5000)), str, marks))
    assert len(places) == len(words) <= 402
    assert words[0].startswith("request 1:")
    assert words[-1].startswith("request 5,000:")
    assert any("an epoch" in each for each in words)


@pytest.mark.parametrize("values", [[0.0, 0.0], [3.0], []])
def test_flat_single_and_missing_values_can_be_drawn(values: list[float]) -> None:
    assert "nan" not in curves("Cost", values, values, str)


def test_a_bar_shows_shares_of_the_longest() -> None:
    assert "class=old width=50.00" in bar(10, 5, 20)
    assert "class=new width=25.00" in bar(10, 5, 20)
    assert "width=0.00" in bar(0, 0, 0)


def test_running_sums() -> None:
    assert cumulated([1, 2, 3]) == [1, 3, 6]
