from __future__ import annotations

from contextprune.context import Context, Kind, Segment, Span
from contextprune.selection.first import ALIKE_FAILURES, ALIKE_FAILURES_KEPT, Rank, ranks
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from contextprune.text.traces import Part
from tests.growth import assert_linear


def ranked(text: str, rank: Rank, kind: Kind = Kind.TOOL_RESULT) -> list[str]:
    context = Context((Segment(kind, text, ("r",)),))
    spans = split(context)
    of_spans = ranks(context, spans, failure_lines(context, spans), {})
    return [spans[i].text.rstrip("\n") for i in sorted(of_spans) if int(of_spans[i]) == rank]


QUIET = "".join(f"[{i}/90] cc -O2 -c src/file_{i}.c\n" for i in range(90))


def test_failures_come_before_what_belongs_to_them() -> None:
    text = QUIET + "main.c:12:5: error: expected ';'\n   12 |   return 0\n" + QUIET
    assert ranked(text, Rank.FAILURE) == ["main.c:12:5: error: expected ';'"]
    assert ranked(text, Rank.DETAIL) == ["   12 |   return 0"]


def test_lines_beside_a_failure_come_after_its_details() -> None:
    assert len(ranked(QUIET + "fatal: no such branch\n" + QUIET, Rank.NEAR)) == 4


def test_of_very_many_failures_the_first_of_each_form_come_first() -> None:
    many = "".join(f"12:00:00 ERROR order {i} is gone\n" for i in range(500)) + "12:00:00 ERROR the disk is full\n"
    first = ranked(many, Rank.FAILURE)
    assert len(first) == ALIKE_FAILURES + 1
    assert first[-1] == "12:00:00 ERROR the disk is full"


def test_repetitions_of_a_failure_end_with_the_last_one() -> None:
    many = "".join(f"12:00:00 ERROR order {i} is gone\n" for i in range(500))
    again = ranked(many, Rank.REPETITION)
    assert len(again) == ALIKE_FAILURES_KEPT - ALIKE_FAILURES + 1
    assert again[-1] == "12:00:00 ERROR order 499 is gone"


def test_documents_have_no_failures() -> None:
    assert ranked("error: no such file\n" * 3, Rank.FAILURE, Kind.DOCUMENT) == []


def test_parts_of_a_trace_have_the_ranks_of_what_they_are() -> None:
    context = Context((Segment(Kind.TOOL_RESULT, "a\nb\nc\nd\n" * 9, ("r",)),))
    spans = split(context)
    parts = dict(enumerate(Part))
    assert [int(rank) for rank in ranks(context, spans, (), parts).values()] == [0, 1, 2, 3]


def test_thousands_of_results_are_ranked_in_linear_time() -> None:
    def read(count: int) -> tuple[Context, list[Span]]:
        context = Context(tuple(Segment(Kind.TOOL_RESULT, f"gate {i}", (i,)) for i in range(count)))
        return context, split(context)

    assert_linear(lambda given: ranks(*given, (), {}), read, 1_000)


def test_what_was_under_way_stays_near_a_failure() -> None:
    steps = "==> Installing the parts\n" + "part is there\n" * 40 + "fatal: no such branch\n"
    assert "==> Installing the parts" in ranked(steps, Rank.NEAR)


def test_the_record_of_a_failure_in_a_report_belongs_to_it() -> None:
    records = "".join(f"job-{i}\nstate: done\nhost: node-{i}\n\n" for i in range(20))
    failing = "job-x\nstate: FAILED\nhost: node-x\n\n"
    assert ranked(records + failing + records, Rank.DETAIL) == ["job-x", "host: node-x"]


REPORT = [
    "npm error code ERESOLVE",
    "npm error While resolving: pier@0.4.0",
    "npm error Found: react@19.0.0",
    "npm error",
    "npm error Could not resolve dependency:",
    "npm error peer react@^16 from mobx-react@6.3.1",
]


def test_of_a_report_each_line_of_which_says_error_only_what_fails_by_itself_comes_first() -> None:
    assert ranked("\n".join(REPORT) + "\n" + QUIET, Rank.FAILURE) == [REPORT[0], REPORT[4]]


def test_what_stands_nearest_to_a_failure_comes_first_of_what_belongs_to_it() -> None:
    context = Context((Segment(Kind.TOOL_RESULT, "\n".join(REPORT) + "\n" + QUIET, ("r",)),))
    spans = split(context)
    of_spans = ranks(context, spans, failure_lines(context, spans), {})
    assert of_spans[1] < of_spans[2]
    assert of_spans[5] == of_spans[1]


def test_what_passed_in_the_record_of_a_failure_does_not_belong_to_it() -> None:
    records = "".join(f"suite {i}\n  ok opens {i}\n  ok closes {i}\n\n" for i in range(20))
    failing = "suite x\n  ok opens x\n  not ok closes x\n\n"
    assert "  ok opens x" not in ranked(records + failing + records, Rank.DETAIL)
