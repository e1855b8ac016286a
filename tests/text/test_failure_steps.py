from __future__ import annotations

import pytest

from contextprune.context import Context, Kind, Segment, Span
from contextprune.splitting import split
from contextprune.text.failure_steps import of_expiry, of_same_id, under_way
from tests.growth import assert_linear

BUILDKITE = ["--- Running plugin cache", *(f"restored {i} of 40 files" for i in range(40)), "disk is full"]
SALT = ["==> web-1: state.apply", *(f"    web-1: pkg {i} is in place" for i in range(40)), "    web-1: disk is full"]
SET_X = ["+ ./fetch.sh --all", *(f"{i} kB of 40" for i in range(40)), "disk is full"]
CONCOURSE = ["$ make package", *(f"packing part {i}" for i in range(40)), "disk is full"]
EARTHLY = ["[3/7] RUN make", *(f"cc part_{i}.c" for i in range(40)), "disk is full"]
TEKTON = ["STEP: push image", *(f"layer {i} is there" for i in range(40)), "disk is full"]
FLYWAY = [
    line
    for i in range(12)
    for line in (f"Migrating schema to version {i}", "DDL is transactional", f"CREATE TABLE t{i} (id INT)", "COMMIT")
]


def cut(lines: list[str]) -> tuple[str, list[Span]]:
    text = "\n".join(lines) + "\n"
    return text, split(Context((Segment(Kind.TOOL_RESULT, text, ("r",), name="bash"),)))


def lines_under_way(lines: list[str]) -> list[str]:
    _, spans = cut(lines)
    failure = next(i for i, span in enumerate(spans) if "disk is full" in span.text)
    return [spans[i].text.strip() for i in sorted(set(under_way(spans, range(len(spans)), failure)))]


@pytest.mark.parametrize("lines", [BUILDKITE, SALT, SET_X, CONCOURSE, EARTHLY, TEKTON], ids=lambda lines: lines[0])
def test_the_step_that_failed_is_named_by_its_heading_or_command(lines: list[str]) -> None:
    assert lines[0] in lines_under_way(lines)


def test_the_heading_stands_beside_the_last_command() -> None:
    lines = ["##[group]Publish", "+ pack", "+ push", "disk is full"]
    assert lines_under_way(lines) == lines[:3]


def test_the_round_that_failed_stays_and_the_ones_before_it_go() -> None:
    assert lines_under_way([*FLYWAY[:-1], "disk is full"]) == ["COMMIT", *FLYWAY[-4:-1]]


def test_a_list_of_alike_lines_gives_one() -> None:
    assert lines_under_way([*(f"test_{i} PASSED" for i in range(30)), "disk is full"]) == ["test_29 PASSED"]


EXIM = [f"2025-01-01 10:00:{i:02} 1tQ{i:03}-0A <= shop@example.org" for i in range(30)]
SIDEKIQ = [f"10:00:{i:02} tid=a{i}f jid=9f{i:03}c71 class=Mail start" for i in range(30)]
TRACED = [f"span {i} trace_id=4bf92f35{i:03}b34da started" for i in range(30)]


@pytest.mark.parametrize("lines", [EXIM, SIDEKIQ, TRACED], ids=["exim", "sidekiq", "tracing"])
def test_lines_with_the_id_of_a_failure_belong_to_it(lines: list[str]) -> None:
    failure = lines[7].split("=>")[0].replace("start", "failed: timed out").replace("<=", "** bounced")
    text, spans = cut([*lines, failure])
    assert [spans[i].text.strip() for i in of_same_id(text, spans, range(len(spans)), len(spans) - 1)] == [lines[7]]


def test_an_id_that_many_lines_hold_ties_none_together() -> None:
    text, spans = cut([*(f"worker-17 takes job {i}" for i in range(20)), "worker-17 failed: timed out"])
    assert list(of_same_id(text, spans, range(len(spans)), len(spans) - 1)) == []


@pytest.mark.parametrize("filler", ["a1", "a-", "=", "-> ", "{ ( "])
def test_looking_for_steps_and_ids_is_linear(filler: str) -> None:
    def look(size: int) -> int:
        text, spans = cut([filler * size, "x", "y failed"])
        block = range(len(spans))
        return sum(1 for i in block[-5:] for _ in (*under_way(spans, block, i), *of_same_id(text, spans, block, i)))

    assert_linear(look, lambda size: size, 2_000)


@pytest.mark.parametrize(
    "dated",
    [
        "*  expire date: Jun  1 00:00:00 2025 GMT",
        "            Not After : Jun  1 00:00:00 2025 GMT",
        "Valid until: 2025-06-01",
        '"expiresAt": "2025-06-01T00:00:00Z",',
        "sub   rsa4096 [expired: 2025-06-01]",
    ],
)
def test_the_date_of_what_has_expired_belongs_to_the_failure(dated: str) -> None:
    lines = [*(f"read header {i}" for i in range(30)), dated, *(f"read {i}" for i in range(30)), "it has expired"]
    _, spans = cut(lines)
    failure = next(i for i, span in enumerate(spans) if "it has expired" in span.text)
    assert [spans[i].text.rstrip("\n") for i in of_expiry(spans, range(len(spans)), failure)] == [dated]
    assert list(of_expiry(spans, range(len(spans)), 0)) == []
