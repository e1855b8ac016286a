from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import contextprune as cp
from contextprune.context import Context, Kind, Segment, Span, Syntax, Unit
from contextprune.markers import KEY
from contextprune.plan import Action, Decision, Plan
from contextprune.rendering import SHOWN_ONE_IN, Gap, Markers, gaps, render
from contextprune.splitting import split
from tests import tool_outputs as outputs
from tests.strategies import COUNTER, contexts

STORE = cp.MemoryStore()


def plan_of(text: str, keeps: Callable[[str], bool], name: str | None = None, digest: tuple[str, ...] = ()) -> Plan:
    context = Context((Segment(Kind.TOOL_RESULT, text, ("r",), name=name),))
    spans = split(context)
    gone = Action.DIGEST if digest else Action.DROP
    return Plan(
        context,
        tuple(spans),
        tuple(
            Decision(Action.KEEP, 1.0, 99, "") if keeps(span.text) else Decision(gone, 0.0, 99, "", digest=digest)
            for span in spans
        ),
    )


def rendered(plan: Plan, *, recallable: bool = True) -> str:
    costs = [decision.cost for decision in plan.decisions]
    markers = Markers(plan.context, plan.spans, costs, COUNTER, STORE.key if recallable else None)
    (text,) = render(plan, markers).values()
    return text


MIXED = "".join(f"src/{w}.py:{i + 1}: {'and ' * i}so it goes on\n" for i, w in enumerate("abcdefghijklmnopqrst"))
LISTING = outputs.listing(20, 1)
LOG = outputs.log(20, 1)


def test_kept_spans_stay_verbatim_and_gaps_say_what_is_missing() -> None:
    rows = MIXED.splitlines(keepends=True)
    new = rendered(plan_of(MIXED, lambda text: text in (rows[0], rows[9])))
    key = STORE.key(MIXED)
    assert new == f"{rows[0]}[lines 2-9 cut, recall={key}]\n{rows[9]}[lines 11-20 cut]\n"


def test_the_first_marker_of_a_text_names_its_key_and_no_other_does() -> None:
    rows = LISTING.splitlines(keepends=True)
    new = rendered(plan_of(LISTING, lambda text: text in rows[::5]))
    assert KEY.findall(new) == [STORE.key(LISTING)]
    assert new.index("recall=") < new.index("lines 7-10")


def test_a_text_of_which_nothing_stays_becomes_one_marker() -> None:
    assert rendered(plan_of(MIXED, lambda _: False)) == f"[20 lines cut, recall={STORE.key(MIXED)}]\n"


def test_lines_of_one_template_go_with_one_of_them_to_show() -> None:
    rows = LISTING.splitlines(keepends=True)
    new = rendered(plan_of(LISTING, lambda text: text == rows[9]))
    assert f'[lines 1-9 like "{" ".join(rows[0].split())}" cut, recall={STORE.key(LISTING)}]\n' in new
    assert f'[lines 11-20 like "{" ".join(rows[10].split())}" cut]\n' in new


def test_a_line_that_is_shown_has_no_quotes_colours_or_line_ends_and_no_great_length() -> None:
    text = "".join(f'\x1b[32mGET "/v1/items/{i}" 200\x1b[0m {"-" * 90}\n' for i in range(9))
    (shown,) = re.findall(r'like "([^"]*)"', rendered(plan_of(text, lambda _: False)))
    assert shown.startswith("[32mGET '/v1/items/0' 200[0m ---")
    assert len(shown) < 70


@pytest.mark.parametrize(
    ("cost", "marker"), [(1, "[8 lines cut]"), (2, "[8 lines cut]"), (10, "[lines 3-10 cut]"), (99, "[lines 3-10 cut]")]
)
def test_a_marker_takes_a_third_of_little_that_it_stands_for_or_is_as_short_as_can_be(cost: int, marker: str) -> None:
    rows = MIXED.splitlines(keepends=True)
    plan = plan_of(MIXED, lambda text: text in (rows[1], rows[10]))
    decisions = tuple(replace(decision, cost=cost) for decision in plan.decisions)
    assert marker in rendered(replace(plan, decisions=decisions)).splitlines()


@pytest.mark.parametrize(("cost", "most"), [(5, 33), (10, 40), (30, 60), (100, 200)])
def test_no_marker_has_more_than_forty_tokens_or_a_tenth_of_what_it_stands_for(cost: int, most: int) -> None:
    names = tuple(f"src/app_{'x' * (i % 7)}/model_{i * i}.py" for i in range(200))
    plan = plan_of(MIXED, lambda _: False, digest=names)
    decisions = tuple(replace(decision, cost=cost) for decision in plan.decisions)
    assert len(decisions) == 20
    assert most - 12 < COUNTER(rendered(replace(plan, decisions=decisions))) <= most + 1


def test_numbers_that_count_on_are_one_range() -> None:
    new = rendered(plan_of(MIXED, lambda _: False, digest=tuple(str(48001 + i) for i in range(700))))
    assert new.endswith(" | 48001-48700]\n")


def test_what_the_goal_names_comes_first_in_a_marker() -> None:
    plan = plan_of(MIXED, lambda _: False, digest=("src/a.py", "A-20931", "retry_2"))
    new = rendered(replace(plan, context=replace(plan.context, query="Why was order A-20931 declined?")))
    assert new.endswith(" | A-20931 src/a.py retry_2]\n")


def test_what_has_copies_only_says_so() -> None:
    plan = plan_of(LISTING, lambda _: False)
    merged = tuple(Decision(Action.MERGE, 0.0, 99, "", into=0) for _ in plan.spans)
    assert "[20 lines as above, recall=" in rendered(Plan(plan.context, plan.spans, merged))


def test_identifiers_stand_in_the_marker_once() -> None:
    new = rendered(plan_of(LISTING, lambda _: False, digest=("src/a.py", "retry_2")))
    assert new.endswith(" | src/a.py retry_2]\n")
    assert new.count("retry_2") == 1


@pytest.mark.parametrize(
    ("text", "name", "opening"),
    [
        (outputs.code(12, 1), "a.py", "# ["),
        ("function f(a) {\n  return a + 1;\n}\n\n" * 8, "a.js", "// ["),
        (outputs.diff(4, 1), None, " ["),
        (outputs.json_lines(6, 1), None, '"['),
        (outputs.html(8, 1), None, "<!-- ["),
        ("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 9, None, "| ["),
    ],
    ids=["hash", "slash", "diff", "json lines", "html", "table"],
)
def test_a_marker_fits_the_syntax_it_stands_in(text: str, name: str | None, opening: str) -> None:
    first = split(Context((Segment(Kind.TOOL_RESULT, text, (), name=name),)))[0].text
    new = rendered(plan_of(text, lambda span: span == first, name))
    assert any(line.lstrip(" ").startswith(opening.lstrip(" ")) for line in new.splitlines())


@pytest.mark.parametrize("recallable", [True, False])
@pytest.mark.parametrize("build", [outputs.json_pretty, outputs.json_small])
@given(data=st.data())
def test_json_stays_json(recallable: bool, build: outputs.Builder, data: st.DataObject) -> None:
    text = build(6, 1)
    plan = plan_of(text, lambda _: True)
    kept: set[int] = set()
    for i in data.draw(st.sets(st.integers(0, len(plan.spans) - 1), min_size=1)):
        waiting = [i]
        while waiting:
            j = waiting.pop()
            if j not in kept:
                kept.add(j)
                waiting += plan.spans[j].anchors
    if len(kept) < len(plan.spans):
        chosen = tuple(Decision(Action.KEEP if i in kept else Action.DROP, 0, 1, "") for i in range(len(plan.spans)))
        json.loads(rendered(Plan(plan.context, plan.spans, chosen), recallable=recallable))


def test_windows_line_ends_stay() -> None:
    text = LOG.replace("\n", "\r\n")
    first = split(Context((Segment(Kind.TOOL_RESULT, text, ()),)))[0].text
    new = rendered(plan_of(text, lambda span: span == first))
    assert new.count("\n") == new.count("\r\n") > 1


def test_without_keys_gaps_are_bare_and_nothing_is_left_of_nothing() -> None:
    first = LISTING.splitlines(keepends=True)[0]
    assert rendered(plan_of(LISTING, lambda text: text == first), recallable=False) == f"{first}[…]\n"
    assert rendered(plan_of(LISTING, lambda _: False), recallable=False) == ""


def test_a_segment_of_which_all_stays_is_not_rendered() -> None:
    plan = plan_of(LISTING, lambda _: True)
    assert render(plan, Markers(plan.context, plan.spans, [1] * len(plan.spans), COUNTER, STORE.key)) == {}


@given(contexts(), st.data())
def test_what_a_gap_is_priced_at_covers_its_marker_but_for_the_line_that_it_may_show(
    context: Context, data: st.DataObject
) -> None:
    spans = split(context)
    if not spans:
        return
    each = data.draw(st.sampled_from([1, 20, 200]))
    plain, showing = (
        Markers(context, spans, [each] * len(spans), COUNTER, STORE.key, examples=examples)
        for examples in (False, True)
    )
    first = data.draw(st.integers(0, len(spans) - 1))
    last = max(i for i, span in enumerate(spans) if span.segment == spans[first].segment)
    end = data.draw(st.integers(first, last)) + 1
    marker, with_line = (markers.write(Gap(first, end, copies=False, digest=())) for markers in (plain, showing))
    assert plain.gap(first, end) == showing.gap(first, end)
    assert len(marker.encode("utf-8", "surrogatepass")) <= plain.gap(first, end)[1] + 8  # widths of numbers
    line = COUNTER(with_line) - COUNTER(marker)
    assert line <= each * (end - first) // SHOWN_ONE_IN + 2  # tokens that pieces are one more apart than together


def test_gaps_walk_kept_spans_and_what_lies_between() -> None:
    keep, drop = Decision(Action.KEEP, 1, 1, ""), Decision(Action.DIGEST, 0, 1, "", digest=("a_b",))
    merge = Decision(Action.MERGE, 0, 1, "", into=0)
    assert list(gaps([keep, drop, drop, keep, merge], 10)) == [
        10,
        Gap(11, 13, copies=False, digest=("a_b",)),
        13,
        Gap(14, 15, copies=True, digest=()),
    ]


@pytest.mark.parametrize(
    "text", ["recall=abcdefghijk", "recall=abcdefghijklm", "recall=ABCDEFGHIJKL", "recall=abcdefghij01"]
)
def test_only_twelve_characters_of_base_32_are_a_key(text: str) -> None:
    assert KEY.findall(f"[1 line cut, {text}]") == []


def test_every_syntax_has_a_marker_that_says_what_is_missing() -> None:
    for syntax in Syntax:
        context = Context((Segment(Kind.TOOL_RESULT, "one\ntwo\n", ("r",)),))
        spans = [cp.Span(0, 0, 4, cp.Unit.LINE, "one\n", syntax), cp.Span(0, 4, 8, cp.Unit.LINE, "two\n", syntax)]
        markers = Markers(context, spans, [400, 400], COUNTER, STORE.key)
        marker = markers.write(Gap(0, 1, copies=False, digest=()), ", recall=x")
        assert "line" in marker
        assert "cut, recall=x]" in marker


@pytest.mark.parametrize("space", ["\n", "  \n", "\n\x85\n", "\r\x0b\x0c\r", " \u2028\n"])
def test_the_line_end_after_a_marker_in_prose_stays_whatever_white_space_stands_beside_it(space: str) -> None:
    text = f"The first gate was closed. The second one was open.{space}The third one is new."
    spans = [(0, 27), (27, 51 + len(space)), (51 + len(space), len(text))]
    parts = tuple(Span(0, start, end, Unit.SENTENCE, text[start:end], Syntax.PROSE) for start, end in spans)
    kept, gone = Decision(Action.KEEP, 1.0, 99, ""), Decision(Action.DROP, 0.0, 99, "")
    plan = Plan(Context((Segment(Kind.TOOL_RESULT, text, ("r",)),)), parts, (kept, gone, kept))
    lines = re.split(r"[\r\n]+", rendered(plan))
    assert lines == [f"The first gate was closed. [1 sentence cut, recall={STORE.key(text)}]", "The third one is new."]


def test_a_marker_costs_the_same_whichever_gap_was_priced_before() -> None:
    """Two lines that are one span, and one line, of the same beginnings, ends and places."""
    text = "".join(f"<p>{word} stood here all day long</p>\n" for word in "abcdefghijkl")
    ends = [text.find("\n", at) + 1 for at in (0, *(i + 1 for i, letter in enumerate(text) if letter == "\n"))][:-1]
    places = [(0, ends[9]), (ends[9], ends[10]), (ends[10], ends[11])]
    parts = [Span(0, start, end, Unit.LINE, text[start:end], Syntax.HTML) for start, end in places]
    double = [
        Span(1, start, end, Unit.LINE, text[start:end], Syntax.HTML)
        for start, end in [(0, ends[9]), (ends[9], ends[11])]
    ]
    context = Context(tuple(Segment(Kind.TOOL_RESULT, text, (i,)) for i in range(2)))
    spans, costs = [*parts, *double], [120, 24, 24, 120, 48]
    one, other = (Markers(context, spans, costs, COUNTER, STORE.key) for _ in range(2))
    gaps_of = [(1, 2), (2, 3), (4, 5)]
    assert [one.gap(*gap) for gap in gaps_of] == [other.gap(*gap) for gap in reversed(gaps_of)][::-1]
