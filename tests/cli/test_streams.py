from __future__ import annotations

import pytest

from contextprune.cli.streams import print_bytes, status


def test_a_result_is_printed_as_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_bytes(b"\xff\x00 and so on")
    assert capfdbinary.readouterr().out == b"\xff\x00 and so on"


def test_a_stage_is_not_shown_where_nobody_looks_on(capfd: pytest.CaptureFixture[str]) -> None:
    with status("begins") as show:
        show("goes on")
    assert capfd.readouterr() == ("", "")
