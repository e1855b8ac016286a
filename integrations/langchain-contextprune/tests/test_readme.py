"""The README's code runs as it stands, but for the model, which says what it is told to; and so do the examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from agents import FAILURE, FOLDER_OF_EXAMPLES, LONG, Scripted, calls, results
from langchain_core.messages import AIMessage

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
EXAMPLES = sorted(FOLDER_OF_EXAMPLES.glob("langchain_*.py"))

_MODEL = '"anthropic:claude-sonnet-5-5"'


@pytest.fixture
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders.log").write_text(LONG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def script() -> Scripted:
    read = calls(("read_log", {"name": "orders.log"}, "c1"))
    return Scripted(replies=[read, AIMessage("48777"), AIMessage("still 48777")])


def run(code: str, names: dict[str, Any]) -> None:
    exec(compile(code.replace(_MODEL, "script()"), "README.md", "exec"), names)


def test_the_first_block_has_ten_lines() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) <= 10


@pytest.mark.usefixtures("_logs")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_all_blocks_run_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"script": script}
    for block in BLOCKS:
        run(block, names)
    said = capsys.readouterr().out
    assert "2 requests" in said
    assert "a […] The bridge was built in 1874. […]" in said
    assert "change my PIN? -> pin" in said
    assert "Where is my card?" not in said
    assert "1 requests" in said


@pytest.mark.usefixtures("_logs")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_first_block_shortens_what_its_tool_returns() -> None:
    model = script()
    run(BLOCKS[0], {"script": lambda: model})
    (sent,) = results(model.seen[1])
    assert FAILURE in str(sent.content)
    assert len(str(sent.content)) < len(LONG) / 2


def test_every_public_name_is_explained() -> None:
    import langchain_contextprune

    assert all(name in README for name in langchain_contextprune.__all__ if name != "Usage")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_run(example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
