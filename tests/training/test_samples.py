from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.context import Context, Kind, Segment
from contextprune.training.samples import Need, Sample, for_calibration, read_samples, write_samples

CALL = Segment(Kind.TOOL_CALL, '{"path": "a.log"}', (0,), turn=1, pair="1", name="read")
RESULT = Segment(Kind.TOOL_RESULT, "one\ntwo\n", (1,), turn=1, pair="1", name="read", failed=True)
SAMPLE = Sample("a", "tools", "log", ("tool:log",), Context((CALL, RESULT), "why"), (1,), (Need(1, 4, 8, 0.5),))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "some.jsonl.gz"
    assert write_samples(path, [SAMPLE, SAMPLE]) == 2
    assert list(read_samples(path)) == [SAMPLE, SAMPLE]


def test_a_writer_that_stops_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl.gz"
    write_samples(path, [SAMPLE])

    def broken() -> object:
        yield SAMPLE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_samples(path, broken())  # type: ignore[arg-type]
    assert list(read_samples(path)) == [SAMPLE]


def test_calibration_takes_about_half() -> None:
    assert 400 < sum(for_calibration(str(i)) for i in range(1000)) < 600
