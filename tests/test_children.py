"""A run of tests that is killed leaves no proxy behind."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.children import END_WITH_US
from tests.proxy.in_process import until
from tests.proxy.serve_process import lives

CODE = """
import subprocess, sys, time
from tests.children import END_WITH_US
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], preexec_fn=END_WITH_US)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(END_WITH_US is None, reason="only Linux ends children with their parents")
def test_what_a_killed_run_has_started_ends_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        child = psutil.Process(int(run.stdout.readline()))
        assert lives(child)
        run.kill()
    until(lambda: not lives(child))
