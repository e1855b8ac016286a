from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from contextprune.training.network.flat_arrays import read_records, write_records


class Record(NamedTuple):
    source: str
    kind: str
    ids: Any
    sizes: Any


RECORDS = [Record(f"s{n}", "prose", np.arange(n), np.ones(n % 3, np.float16)) for n in range(7)]
FIELDS = ("ids", "sizes")


@pytest.mark.parametrize("per_file", [1, 3, 7, 100])
def test_records_come_back_as_they_were_however_many_a_file_holds(tmp_path: Path, per_file: int) -> None:
    assert write_records(tmp_path, RECORDS, FIELDS, per_file) == 7
    assert len(list(tmp_path.glob("*.npz"))) == -(-7 // per_file)
    for written, read_back in zip(RECORDS, read_records(tmp_path, Record, FIELDS), strict=True):
        assert written[:2] == read_back[:2]
        assert all(np.array_equal(one, other) for one, other in zip(written[2:], read_back[2:], strict=True))


def test_what_stood_there_before_goes(tmp_path: Path) -> None:
    write_records(tmp_path, RECORDS, FIELDS, 2)
    assert write_records(tmp_path, RECORDS[:1], FIELDS, 2) == 1
    assert len(list(read_records(tmp_path, Record, FIELDS))) == 1
