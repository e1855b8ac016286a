from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.training.fit import prepare as preparing
from contextprune.training.fit.groups import read_groups
from contextprune.training.fit.prepare import prepare
from contextprune.training.samples import write_samples
from tests.scoring.folders import tokenizer
from tests.training.tiny import samples


def test_a_source_is_thinned_to_what_is_wanted_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer().save(str(tmp_path / "tokens.json"))
    write_samples(tmp_path / "all.jsonl.gz", samples(80))
    monkeypatch.setattr(preparing, "DEFAULT_MAX_SAMPLES", 40)
    counts = prepare([tmp_path / "all.jsonl.gz"], tmp_path / "out", tmp_path / "tokens.json", dev=False, processes=1)
    assert 25 <= counts["small"] <= 55
    assert sum(1 for _ in read_groups(tmp_path / "out")) == counts["small"]
