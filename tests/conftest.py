"""Profiles of hypothesis: no deadlines (the machine may be busy), few examples by default, many on demand.

`HYPOTHESIS_PROFILE=nightly pytest` looks for longer and takes the long forms that `tests/nightly.py` speaks of,
`thorough` looks for hours, `quick` is for another version of Python; in CI every run takes the same examples.
"""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from contextprune.tokens import Tiktoken

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; the commands under test inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.setdefault("CONTEXTPRUNE_SCORER", "lexical")  # in subprocesses, too: importing torch for each takes minutes
os.environ["XDG_CONFIG_HOME"] = "/nowhere"  # the settings of whoever runs the tests are no part of them

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # whole conversations take a while to draw

settings.register_profile("default", max_examples=15, deadline=None, suppress_health_check=SLOW)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=5)
settings.register_profile("nightly", settings.get_profile("default"), max_examples=100)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session", autouse=True)
def _vocabulary() -> None:
    """Read the vocabulary once, before any test measures time."""
    Tiktoken()("words")
