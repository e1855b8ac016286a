"""Whether tests take their nightly forms: larger inputs and more rounds, beside more examples for each property."""

from __future__ import annotations

from hypothesis import settings

NIGHTLY = settings().max_examples >= 100
"""Set by `HYPOTHESIS_PROFILE=nightly`, which `make test-nightly` does; no variable of ours, since each of those must be
a setting.
"""
