from __future__ import annotations

import pytest

from contextprune.errors import ScorerError
from contextprune.scoring import load_scorer


def test_the_lexical_scorer_is_named_by_its_parts() -> None:
    assert load_scorer("lexical").name == "lexical.v1+signals.v1"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda"])
def test_auto_loads_whatever_the_device(device: str) -> None:
    assert load_scorer("auto", device).name


@pytest.mark.parametrize(("name", "device"), [("gpt", "auto"), ("./scorer", "auto"), ("lexical", "tpu")])
def test_an_unknown_name_or_device_is_refused(name: str, device: str) -> None:
    with pytest.raises(ScorerError, match=f"{device if name == 'lexical' else name}"):
        load_scorer(name, device)
