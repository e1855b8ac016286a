"""The laws of well-formed texts: JSON, fences, diffs and surrogate pairs stay whole, and failures survive."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from textwrap import indent
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import contextprune as cp
from contextprune.plan import Action
from contextprune.selection.first import ranks
from contextprune.selection.protection import closure, must_keep
from contextprune.selection.turns import SHARE
from contextprune.splitting import split
from contextprune.text.failure_lines import failure_lines
from tests import tool_outputs as outputs
from tests.strategies import SCORERS, budgets, built, chat_messages, contexts, histories, json_outputs, nasty, pruner

every_scorer = pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name[:7])
maybe_a_budget = st.none() | budgets()

_MARKER = re.compile(r"\s*\"?\[(?:\.\.\.|[^\n]*, recall=[a-z2-7]{12})[^\n]*\]\"?\s*")  # or a bare one
MARKER = 40  # tokens that a marker takes at the most, about
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def result_of(text: str, budget: cp.Budget | None, scorer: cp.Scorer, name: str | None = None) -> str:
    """The new text of one tool result of a short conversation, or the old one where the budget cannot be met."""
    segments = (
        cp.Segment(cp.Kind.USER, "Why does orders fail?", ("user",)),
        cp.Segment(cp.Kind.TOOL_RESULT, text, ("result",), turn=1, name=name),
    )
    try:
        done = pruner(scorer)(cp.Context(segments, "Why does orders fail?"), budget)
    except cp.BudgetError:
        return text
    return done.edits.get(("result",), text)


def parsed(text: str) -> Any:
    """The value of a JSON text; an unusable example where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        assume(False)


@every_scorer
@given(text=json_outputs(), budget=maybe_a_budget, name=st.sampled_from([None, "fetch.json", "bash"]))
def test_6_valid_json_stays_valid_or_is_one_marker(
    scorer: cp.Scorer, text: str, budget: cp.Budget | None, name: str | None
) -> None:
    before = parsed(text)
    new = result_of(text, budget, scorer, name)
    if _MARKER.fullmatch(new):
        return
    after = json.loads(new)
    if _encodable(before):
        assert _encodable(after)


_SCALARS = (
    st.integers()
    | st.floats(allow_nan=False)
    | st.floats(1e-12, 1e-6)
    | st.booleans()
    | st.none()
    | st.text('ab \\"\n½[{,', max_size=60)
)
_VALUES = st.lists(
    _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.sampled_from(["id", "a b", '"']), _SCALARS),
    min_size=1,
    max_size=6,
)
_FORMS: dict[str, Callable[[list[Any]], str]] = {
    "behind a blank": lambda rows: " " + json.dumps(rows),
    "behind a tab and lines": lambda rows: "\t\n" + json.dumps(rows, separators=(",", ":")) + " \n",
    "indented as a whole": lambda rows: indent(json.dumps({"items": rows}, indent=2), "  "),
    "with line ends of Windows": lambda rows: json.dumps(rows, indent=2).replace("\n", "\r\n"),
    "numbers with exponents": lambda rows: json.dumps([n * 1.37e-7 for n in range(1, 99)] + rows),
    "not numbers": lambda rows: json.dumps([float("nan"), float("-inf")] * 40 + rows),
    "indented records": lambda rows: "".join(f"  {json.dumps([row] * 3)}\n" for row in rows),
    "records that are strings": lambda rows: "\n".join(json.dumps(f"the record of {row}") for row in rows),
    "records of several lines": lambda rows: "\n".join(indent(json.dumps([row] * 3, indent=1), " ") for row in rows),
    "a string behind a blank": lambda rows: " " + json.dumps("\n".join(map(str, rows))),
}


def json_values(text: str) -> list[Any] | None:
    """The JSON values that a text is, one after the other; None where it is none."""
    values, text = [], text.strip()
    while text:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError:
            return None
        values.append(value)
        text = text[end:].lstrip()
    return values


@pytest.mark.parametrize("form", _FORMS.values(), ids=_FORMS)
@settings(max_examples=6)
@given(rows=_VALUES, ratio=st.none() | st.integers(1, 9))
def test_6_json_stays_valid_however_it_is_written(
    form: Callable[[list[Any]], str], rows: list[Any], ratio: int | None
) -> None:
    text = form(rows * 30)
    assert json_values(text) is not None
    new = result_of(text, None if ratio is None else cp.Budget(ratio=ratio / 10), SCORERS[3])
    assert _MARKER.fullmatch(new) or json_values(new) is not None


@pytest.mark.parametrize("inside", [outputs.json_pretty(8, 0), "One sentence that is long enough to be cut. " * 12])
def test_6_json_that_is_a_single_string_stays_valid_or_is_one_marker(inside: str) -> None:
    new = result_of(json.dumps(inside), cp.Budget(ratio=0.5), SCORERS[3])
    assert _MARKER.fullmatch(new) or isinstance(json.loads(new), str)


@every_scorer
@given(text=built((outputs.json_lines,)), budget=maybe_a_budget)
def test_6_each_record_of_json_lines_stays_valid(scorer: cp.Scorer, text: str, budget: cp.Budget | None) -> None:
    new = result_of(text, budget, scorer)
    if not _MARKER.fullmatch(new):
        for line in new.split("\n"):
            assert not line or json.loads(line) is not None


@every_scorer
@given(
    text=built((outputs.markdown,)) | st.tuples(built((outputs.markdown,)), nasty(5)).map("\n".join),
    budget=maybe_a_budget,
    name=st.sampled_from([None, "a.md"]),
)
def test_6_fences_stay_balanced(scorer: cp.Scorer, text: str, budget: cp.Budget | None, name: str | None) -> None:
    assume(_balanced(text))
    assert _balanced(result_of(text, budget, scorer, name))


@every_scorer
@given(text=built((outputs.diff,)), budget=maybe_a_budget)
def test_6_a_hunk_stays_under_the_header_of_its_file(scorer: cp.Scorer, text: str, budget: cp.Budget | None) -> None:
    homes = _homes(text)
    for line, home in _homes(result_of(text, budget, scorer)).items():
        assert homes[line] == home


@every_scorer
@given(text=nasty() | json_outputs(), budget=maybe_a_budget)
def test_6_a_text_that_can_be_encoded_still_can(scorer: cp.Scorer, text: str, budget: cp.Budget | None) -> None:
    assume(_encodable(text))
    assert _encodable(result_of(text, budget, scorer))


@given(contexts())
def test_6_no_cut_lies_inside_a_surrogate_pair_or_a_line_end(context: cp.Context) -> None:
    for span in split(context):
        around = context.segments[span.segment].text[span.end - 1 : span.end + 1]
        assert around != "\r\n"
        assert not re.fullmatch("[\ud800-\udbff][\udc00-\udfff]", around)


@every_scorer
@given(history=histories(), budget=budgets())
def test_14_no_failure_goes_for_anything_that_is_none(scorer: cp.Scorer, history: Any, budget: cp.Budget) -> None:
    """A failure goes only where it would not fit, with what it needs, even without all that was chosen by its worth.

    Of one result among others, failures and what belongs to them may take half of the room.
    """
    messages = chat_messages(history, "Why does orders fail?")
    try:
        out = cp.compress(messages, budget, pruner=pruner(scorer))
    except cp.BudgetError:
        return
    plan, failures = out.plan, _failures(out.plan)
    kept = [decision.action is Action.KEEP for decision in plan.decisions]
    firm = sum(d.cost for i, d in enumerate(plan.decisions) if kept[i] and (d.reason != "chosen" or i in failures))
    images = sum(segment.cost or 0 for segment in plan.context.segments)
    gaps = sum(not stays and (not i or kept[i - 1]) for i, stays in enumerate(kept))

    for i in failures:
        if plan.decisions[i].action in (Action.DROP, Action.DIGEST):
            needed = sum(plan.decisions[j].cost for j in closure(i, plan.spans, kept))
            fits = firm + images + needed + MARKER * (gaps + 2) <= budget.resolve(out.report.before)
            assert not fits or _crowds(plan, i, needed, budget.resolve(out.report.before) - images)


@given(history=histories())
def test_14_no_failure_is_lost_where_no_budget_asks_for_it(history: Any) -> None:
    plan = cp.compress(chat_messages(history, "Why does orders fail?"), pruner=pruner()).plan
    for i in _failures(plan):
        assert plan.decisions[i].action in (Action.KEEP, Action.MERGE)


@given(contexts(), budgets())
def test_14_a_merged_failure_still_stands_somewhere(context: cp.Context, budget: cp.Budget) -> None:
    try:
        plan = pruner()(context, budget).plan
    except cp.BudgetError:
        return
    for i, decision in enumerate(plan.decisions):
        assert (decision.into is not None) == (decision.action is Action.MERGE)
        if decision.into is not None:
            source = plan.spans[decision.into]
            assert plan.decisions[decision.into].action is Action.KEEP
            assert without_numbers(source.text) == without_numbers(plan.spans[i].text)


def _crowds(plan: cp.Plan, i: int, needed: int, room: int) -> bool:
    """Whether what comes first in the result of span `i` takes more than its share of the room."""
    pairs = list(zip(plan.spans, plan.decisions, strict=True))
    blocks = {s.segment for s, d in pairs if not d.reason.startswith("protected")}
    room -= sum(d.cost for s, d in pairs if s.segment not in blocks) + MARKER * len(blocks)
    firm = [d.cost for s, d in pairs if s.segment == plan.spans[i].segment and d.action is Action.KEEP]
    return len(blocks) > 1 and sum(firm) + needed > SHARE * room


def _failures(plan: cp.Plan) -> set[int]:
    """Failure lines; of very many of one form those that tell of it."""
    context, spans = plan.context, plan.spans
    ranked = ranks(context, spans, failure_lines(context, spans), {})
    return {i for i, why in must_keep(context, spans, ranked, cp.Policy()).items() if why == "failure line"}


def without_numbers(text: str) -> str:
    """The words of a text in small letters; numbers before the lines of a view do not count in copies."""
    return " ".join(re.sub(r"(?m)^\s{0,8}\d{1,7}[|\t:]", "", text).split()).casefold()


def _encodable(value: Any) -> bool:
    try:
        (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _balanced(text: str) -> bool:
    """Whether every fence that opens closes again, as CommonMark has it."""
    opened = ""
    for line in text.split("\n"):
        fence = _FENCE.fullmatch(line.rstrip("\r"))
        if fence is None:
            continue
        mark, rest = fence[1], fence[2]
        if not opened:
            opened = mark if not (mark[0] == "`" and "`" in rest) else ""
        elif mark[0] == opened[0] and len(mark) >= len(opened) and not rest.strip():
            opened = ""
    return not opened


def _homes(diff: str) -> dict[str, str]:
    """The file and hunk that each line of a change stands under; the builder's lines are unique within a file."""
    homes = {}
    file = hunk = ""
    for line in diff.split("\n"):
        if line.startswith("+++ "):
            file, hunk = line, ""
        elif line.startswith("@@ "):
            hunk = line
            homes[f"{file}{line}"] = file
        elif line.startswith(("+new", "-old")):
            homes[f"{file}{line}"] = file + hunk
    return homes
