"""What happens to one block as it arrives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import contextprune as cp
from contextprune.markers import KEY
from contextprune.plan import Action
from contextprune.policy import Rule
from contextprune.text.identifiers import words
from tests import tool_outputs as outputs
from tests.strategies import COUNTER, LEXICAL, NEURAL, Constant

GOAL = cp.Segment(cp.Kind.USER, "Why does orders fail?", ("m", 0))
LISTING = outputs.listing(60, 1)


def pruner(scorer: cp.Scorer = LEXICAL, **policy: Any) -> cp.Pruner:
    return cp.Pruner(cp.Policy(**{"min_tokens": 50, "recall": 0.5, **policy}), scorer, COUNTER, cp.MemoryStore())


def turn(n: int, text: str, name: str = "search", call: str = "{}", **more: Any) -> tuple[cp.Segment, cp.Segment]:
    return (
        cp.Segment(cp.Kind.TOOL_CALL, call, ("m", n, 0), turn=n, pair=f"c{n}", name=name, editable=False),
        cp.Segment(cp.Kind.TOOL_RESULT, text, ("m", n, 1), turn=n, pair=f"c{n}", name=name, **more),
    )


def sent(engine: cp.Pruner, *turns: tuple[cp.Segment, cp.Segment]) -> list[str]:
    """The results as they are sent."""
    segments = [GOAL, *(segment for turn in turns for segment in turn)]
    edits = engine(cp.Context(tuple(segments))).edits
    return [edits.get(s.ref, s.text) for s in segments if s.kind is cp.Kind.TOOL_RESULT]


def test_a_block_loses_what_is_not_expected_to_be_needed() -> None:
    (text,) = sent(pruner(), turn(1, LISTING))
    assert COUNTER(text) < 0.8 * COUNTER(LISTING)


def test_a_block_with_a_breakpoint_is_shortened_like_any_other() -> None:
    assert sent(pruner(), turn(1, LISTING, marked=True)) == sent(pruner(), turn(1, LISTING))


@pytest.mark.parametrize(
    "policy",
    [
        {"min_tokens": 10_000},
        {"exclude_tools": ("se*",)},
        {"exclude_tools": ("other", "sear?h")},
        {"tools": {"search": Rule(recall=1.0)}},
        {"tools": {"se*": Rule(min_tokens=10_000)}},
        {"protect": frozenset({cp.Kind.TOOL_RESULT})},
    ],
)
def test_what_the_policy_spares_stays(policy: dict[str, Any]) -> None:
    assert sent(pruner(**policy), turn(1, LISTING)) == [LISTING]


def test_other_tools_are_not_spared() -> None:
    policy: dict[str, Any] = {"exclude_tools": ("read",), "tools": {"write_*": Rule(recall=1.0)}}
    assert sent(pruner(**policy), turn(1, LISTING)) != [LISTING]


def test_the_first_rule_that_fits_counts() -> None:
    rules = {"search": Rule(recall=0.3), "*": Rule(recall=1.0)}
    assert sent(pruner(tools=rules), turn(1, LISTING)) != [LISTING]
    assert sent(pruner(tools=dict(reversed(rules.items()))), turn(1, LISTING)) == [LISTING]


def test_a_tool_of_its_own_may_lose_more_than_the_others() -> None:
    ours, others = sent(pruner(recall=0.9, tools={"log": Rule(recall=0.3)}), turn(1, LISTING, "log"), turn(2, LISTING))
    assert COUNTER(ours) < COUNTER(others) or "as above" in others


def test_a_rule_may_let_smaller_blocks_be_shortened() -> None:
    small = outputs.listing(30, 1)
    least = COUNTER(small) + 1
    assert sent(pruner(min_tokens=least), turn(1, small)) == [small]
    assert sent(pruner(min_tokens=least, tools={"search": Rule(min_tokens=0)}), turn(1, small)) != [small]


@pytest.mark.parametrize("name", ["read_file", "view", "mcp__fs__read_file", "cat"])
def test_a_view_of_a_file_keeps_every_line_that_an_edit_may_have_to_match(name: str) -> None:
    assert sent(pruner(), turn(1, LISTING, name)) == [LISTING]
    assert sent(pruner(shorten_views=True), turn(1, LISTING, name)) != [LISTING]


@pytest.mark.parametrize("command", ["cat src/a.py", "cd src && sed -n 1,80p a.py", "git diff HEAD~1"])
def test_a_command_that_shows_a_file_is_a_view(command: str) -> None:
    assert sent(pruner(), turn(1, LISTING, "bash", f'{{"command": "{command}"}}')) == [LISTING]


def test_the_same_block_again_becomes_a_reference() -> None:
    whole = pruner(Constant(1.0), recall=1.0)
    first, second = sent(whole, turn(1, LISTING), turn(2, LISTING))
    assert first == LISTING
    assert "as above" in second
    assert COUNTER(second) < 60


def test_the_same_file_read_again_becomes_a_reference_though_its_numbers_have_moved() -> None:
    body = outputs.code(60, 1).splitlines()
    one, other = ("".join(f"{n:6}\t{line}\n" for n, line in enumerate(body, start=start)) for start in (1, 21))
    first, second = sent(pruner(), turn(1, one, "read_file"), turn(2, other, "read_file"))
    assert first == one
    assert "as above" in second
    assert COUNTER(second) < 0.5 * COUNTER(other)


@pytest.mark.parametrize("style", ["{n:>6}→{line}\n", "{n:05}| {line}\n", "{line}\n"])
def test_a_part_of_a_file_read_again_by_another_tool_becomes_a_reference(style: str) -> None:
    body = outputs.code(60, 1).splitlines()
    view = "".join(f"{n:>6}\t{line}\n" for n, line in enumerate(body, 1))
    part = "".join(style.format(n=n, line=line) for n, line in enumerate(body[20:60], 21))
    _, second = sent(pruner(), turn(1, view, "Read"), turn(2, part, "bash", '{"command": "sed -n 21,60p a.py"}'))
    assert "as above" in second
    assert COUNTER(second) < 0.3 * COUNTER(part)


def test_of_a_file_read_again_what_has_changed_is_shown() -> None:
    body = outputs.code(60, 1)
    changed = body.replace("# explains 7", "# explains the change")
    assert changed != body
    _, second = sent(pruner(), turn(1, body, "read_file"), turn(2, changed, "read_file"))
    assert "# explains the change" in second
    assert "as above" in second


def test_a_reference_names_the_segment_that_it_stands_for_in_the_plan() -> None:
    engine = pruner(Constant(1.0), recall=1.0)
    plan = engine(cp.Context((GOAL, *turn(1, LISTING), *turn(2, LISTING)))).plan
    merged = [d for d in plan.decisions if d.action is Action.MERGE]
    assert merged
    assert {plan.spans[d.into].segment for d in merged if d.into is not None} == {2}


def test_what_was_asked_back_is_not_shortened_again() -> None:
    engine = pruner()
    (short,) = sent(engine, turn(1, LISTING))
    (key,) = set(KEY.findall(short))
    for name, call in (("mcp__contextprune__contextprune_recall", "{}"), ("bash", f"contextprune recall {key}")):
        assert sent(engine, turn(1, LISTING), turn(2, LISTING, name, call)) == [short, LISTING]


def test_a_call_that_names_no_key_that_was_sent_gives_nothing_back() -> None:
    engine = pruner()
    log = outputs.csv(60, 2)
    assert sent(engine, turn(1, LISTING), turn(2, log, "bash", "recall=abcdefghijkl"))[1] != log


def test_a_text_with_a_marker_of_ours_stays() -> None:
    engine = pruner()
    (short,) = sent(engine, turn(1, LISTING))
    assert sent(engine, turn(1, short)) == [short]


def test_a_forged_marker_protects_nothing() -> None:
    forged = f"[3 lines cut, recall=abcdefghijkl]\n{LISTING}"
    assert sent(pruner(), turn(1, forged)) != [forged]


def test_what_stands_between_marks_is_kept() -> None:
    secret = "".join(f"row {n} of what somebody wants to keep\n" for n in range(9))
    text = f"{LISTING}<contextprune-keep>\n{secret}</contextprune-keep>\n{LISTING.replace('load', 'store')}"
    (short,) = sent(pruner(Constant(0.0)), turn(1, text))
    assert secret in short
    assert COUNTER(short) < COUNTER(text)


def test_a_failure_is_kept_whatever_its_score() -> None:
    text = f"{LISTING}src/lost.py:7: Error: the connection was lost\n{LISTING.replace('load', 'store')}"
    (short,) = sent(pruner(Constant(0.0)), turn(1, text))
    assert "the connection was lost" in short
    assert short != text


def test_what_comes_later_changes_nothing() -> None:
    engine = pruner()
    (first,) = sent(engine, turn(1, LISTING))
    assert sent(pruner(), turn(1, LISTING), turn(2, outputs.csv(60, 2)))[0] == first


def test_a_text_that_would_not_become_shorter_stays() -> None:
    text = "a\nb\nc\n" * 4
    assert sent(pruner(Constant(0.0), min_tokens=0), turn(1, text)) == [text]


def document(question: str, query: str | None = None, *, first: bool) -> str:
    """A document as it is sent, with the question before it or behind it."""
    one = cp.Segment(cp.Kind.DOCUMENT, LISTING, ("m", 0, 0))
    said = cp.Segment(cp.Kind.USER, question, ("m", 0, 1))
    segments = (said, one) if first else (one, said)
    return pruner(recall=0.3)(cp.Context(segments), query=query).edits.get(one.ref, one.text)


BEHIND = [
    "<system-reminder>\nYour todo list is empty.\n</system-reminder>",
    "[Request interrupted by user]",
    "Continue.",
    '{"type":"container_upload","file_id":"file_011"}',
]


def fetched(question: str, behind: Sequence[str] = ()) -> str:
    """A listing as it is sent, fetched for a question behind which others spoke."""
    opening = (cp.Segment(cp.Kind.USER, question, ("m", 0)), *turn(1, "3 pages", "list"))
    others = tuple(cp.Segment(cp.Kind.USER, text, ("m", 1, 2 + n), turn=1) for n, text in enumerate(behind))
    listing = turn(2, LISTING)
    engine = pruner(Named())
    return engine(cp.Context((*opening, *others, *listing))).edits.get(listing[1].ref, LISTING)


class Named:
    """Gives 1 to the lines that hold a word of the goal, and 0 to all others."""

    name = "named"

    def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:
        goal = set(words(context.query))
        return [float(not goal.isdisjoint(words(span.text))) for span in spans]


@pytest.mark.parametrize("behind", BEHIND)
def test_what_a_harness_says_behind_the_question_changes_nothing_about_a_block(behind: str) -> None:
    assert fetched("Where is orders?", [behind]) == fetched("Where is orders?") != LISTING


def test_the_first_request_still_guides_behind_a_later_one() -> None:
    assert fetched("Where is orders?", ["Where is billing?"]) != fetched("Look.", ["Where is billing?"])


def test_a_document_in_a_conversation_is_decided_by_the_question_before_it() -> None:
    found = {document(question, first=True) for question in ("Where is orders?", "Where is Zürich?")}
    assert len(found) == 2
    assert LISTING not in found


def test_a_document_before_which_nobody_asked_anything_stays_whole() -> None:
    assert document("Where is orders?", first=False) == LISTING


def test_a_document_before_which_nobody_spoke_is_decided_by_the_query() -> None:
    found = {document("And this?", query, first=False) for query in ("Where is orders?", "Where is Zürich?")}
    assert len(found) == 2
    assert LISTING not in found


def test_an_empty_result_stays_empty_whatever_the_scorer() -> None:
    context = cp.Context(
        (cp.Segment(cp.Kind.USER, "Why?", ("u",)), cp.Segment(cp.Kind.TOOL_RESULT, "", ("r",), turn=1))
    )
    pytest.importorskip("torch")
    assert pruner(NEURAL)(context).edits == {}


def test_the_same_text_again_is_a_reference_though_the_first_was_shortened() -> None:
    first, second = sent(pruner(), turn(1, LISTING), turn(2, LISTING))
    assert first != LISTING
    assert second.startswith("[60 lines as above, recall=")
    assert KEY.findall(second) == KEY.findall(first)


def test_without_keys_in_markers_it_is_shortened_again_since_nobody_could_ask_for_the_rest() -> None:
    engine = cp.Pruner(cp.Policy(min_tokens=50, recall=0.5), LEXICAL, COUNTER, cp.MemoryStore(), hints=False)
    _, second = sent(engine, turn(1, LISTING), turn(2, LISTING))
    assert "60 lines as above" not in second
    assert len(second.splitlines()) > 1


DARING: dict[str, Any] = {"recall": 0.1, "shorten_views": True, "tools": {"*": Rule(recall=0.1)}, "min_tokens": 0}
"""A policy under which nearly everything goes, were it not for what a test sets besides."""


@pytest.mark.parametrize("scorer", [LEXICAL, NEURAL, Constant(0.0)])
def test_where_only_repetitions_go_a_block_that_repeats_nothing_stays(scorer: cp.Scorer) -> None:
    texts = [LISTING, outputs.log(80, 3), outputs.diff(40, 4), outputs.numbered(60, 5)]
    turns = [turn(n, text) for n, text in enumerate(texts, start=1)]
    assert sent(pruner(scorer, **DARING), *turns) != texts
    assert sent(pruner(scorer, **DARING, repetitions_only=True), *turns) == texts


def test_where_only_repetitions_go_a_repeated_block_is_a_reference_that_recall_redeems() -> None:
    engine = pruner(**DARING, repetitions_only=True)
    first, again = sent(engine, turn(1, LISTING), turn(2, LISTING))
    assert first == LISTING
    assert COUNTER(again) < 60
    assert engine.store.get(KEY.findall(again)[0]) == LISTING


def test_where_only_repetitions_go_lines_go_that_an_earlier_block_shows_and_no_others() -> None:
    news = outputs.log(30, 9)
    first, second = sent(pruner(**DARING, repetitions_only=True), turn(1, LISTING), turn(2, news + LISTING))
    assert first == LISTING
    assert second.startswith(news)
    assert COUNTER(second) < COUNTER(news) + 60


def test_where_only_repetitions_go_the_same_line_under_another_number_stays() -> None:
    shifted = outputs.numbered(60, 5)
    moved = "".join(f"{n:6}\t{line.partition(chr(9))[2]}" for n, line in enumerate(shifted.splitlines(True), start=7))
    turns = turn(1, shifted), turn(2, moved)
    assert sent(pruner(), *turns)[1] != moved
    assert sent(pruner(repetitions_only=True), *turns) == [shifted, moved]


def test_where_only_repetitions_go_nothing_is_scored() -> None:
    class Refuses(Constant):
        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002 - the seam
            raise AssertionError

    assert sent(pruner(Refuses(0.0), repetitions_only=True), turn(1, LISTING)) == [LISTING]


LOG = "".join(f"2026-01-01 10:00:{i % 60:02} INFO worker-{i % 7}: order {48000 + i} packed\n" for i in range(200))
FAILED = "2026-01-01 10:07:00 ERROR worker-3: order 48777 failed: TimeoutError\n"


@pytest.mark.parametrize("name", ["search", "read_file"])
def test_a_result_keeps_no_more_than_its_rule_says_and_its_failure_line_first(name: str) -> None:
    text = LOG + FAILED + LOG
    (short,) = sent(pruner(recall=1.0, tools={name: Rule(max_tokens=200)}), turn(1, text, name))
    assert COUNTER(short) <= 200
    assert FAILED in short


def test_a_result_below_the_most_that_its_rule_allows_is_decided_as_any_other() -> None:
    assert sent(pruner(tools={"search": Rule(max_tokens=10_000)}), turn(1, LISTING)) == sent(pruner(), turn(1, LISTING))


def test_where_no_block_may_point_to_another_each_shows_what_it_has() -> None:
    engine = cp.Pruner(cp.Policy(), LEXICAL, COUNTER, cp.MemoryStore(), references=False)
    _, second = sent(engine, turn(1, LOG + FAILED), turn(2, LOG + FAILED))
    assert "above" not in second
    assert FAILED in second
    assert "above" in sent(pruner(), turn(1, LOG + FAILED), turn(2, LOG + FAILED))[1]
