"""What is packed for the pipe comes out of it as it went in."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.proxy.job import (
    NO_REASON,
    PREFIX,
    Answer,
    Job,
    Process,
    Reason,
    Task,
    pack_answer,
    pack_job,
    pass_through,
    read_answer,
    read_job,
    unpack,
)

ROOT = Path(__file__).parents[2]
PROXY = ROOT / "contextprune" / "proxy"
OF_BOTH = {"job.py", "endpoints.py", "logs.py", "reasons.py"}  # of both: they define, show and explain reasons
texts = st.text(max_size=20)
jobs = st.builds(Job, st.integers(0, 2**40), st.sampled_from(Task), st.binary(max_size=200), texts, texts, texts)
answers = st.builds(
    Answer,
    number=st.integers(0, 2**40),
    body=st.none() | st.binary(max_size=200),
    status=st.sampled_from(["applied", "noop", "audit", "passed"]),
    reason=st.sampled_from([NO_REASON, *Reason]),
    kinds=st.dictionaries(texts, st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=3),
    dollars=st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
    keys=st.lists(texts, max_size=3).map(tuple),
    heat=st.none() | st.binary(max_size=50),
)


def taken_apart(pieces: list[bytes]) -> tuple[dict[str, object], list[bytes | None]]:
    whole = b"".join(pieces)
    head, rest = PREFIX.unpack(whole[: PREFIX.size])
    assert len(whole) == PREFIX.size + head + rest
    view = memoryview(whole)[PREFIX.size :]
    return unpack(view[:head], view[head:])


@given(jobs)
def test_a_job_comes_out_as_it_went_in(job: Job) -> None:
    assert read_job(*taken_apart(pack_job(job))) == job


@given(answers)
def test_an_answer_comes_out_as_it_went_in(answer: Answer) -> None:
    out = read_answer(*taken_apart(pack_answer(answer)))
    assert out == answer
    assert out.kinds == answer.kinds


def test_an_empty_body_is_not_no_body() -> None:
    assert read_answer(*taken_apart(pack_answer(Answer(1, b"", "applied")))).body == b""
    assert read_answer(*taken_apart(pack_answer(Answer(1, None, "applied")))).body is None


def test_large_bodies_are_not_copied_into_the_message() -> None:
    body = bytes(1000)
    assert any(piece is body for piece in pack_job(Job(1, Task.SHORTEN, body)))


def test_passing_says_why_and_sends_nothing_else() -> None:
    answer = pass_through(Job(7, Task.SHORTEN, b"{}"), Reason.LATE)
    assert (answer.number, answer.status, answer.reason, answer.body) == (7, "passed", "late", None)


@pytest.mark.parametrize("process", Process)
def test_a_process_gives_only_reasons_that_it_may_give(process: Process) -> None:
    for path in PROXY.rglob("*.py"):
        if (path.parent.name == "worker") is (process is Process.SCORER) and path.name not in OF_BOTH:
            for word in re.findall(r"\bReason\.([A-Z_]+)\b", path.read_text(encoding="utf-8")):
                assert process in Reason[word].givers, f"{path.name}: {word}"


def test_the_front_imports_neither_the_engine_nor_anything_heavy() -> None:
    heavy = "torch numpy tiktoken sqlite3 contextprune.pruner contextprune.dialects contextprune.splitting"
    code = (
        "import sys, contextprune.proxy.job, contextprune.proxy.pool.pool, contextprune.proxy.pool.process;"
        f"print([m for m in {heavy.split()} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
