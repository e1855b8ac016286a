"""Facts about records."""

from __future__ import annotations

from contextprune.training.executed.records import draw_records, hint, label
from contextprune.training.executed.workbench import Workbench


def test_records_have_the_same_fields(bench: Workbench) -> None:
    for _ in range(4):
        _, kind, rows = draw_records(bench, 20)
        assert kind in {"module", "function", "package"}
        assert len({tuple(row) for row in rows}) == 1


def test_a_record_is_called_by_name_or_path() -> None:
    assert label({"path": "a/web_page.py"}) == "a/web_page.py"
    assert hint({"path": "a/web_page.py"}) == "web page"
