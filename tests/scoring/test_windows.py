from __future__ import annotations

from hypothesis import given

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.scoring.windows import BODY, GOAL, HEADER, Cutter, header
from contextprune.splitting import split
from tests.scoring.folders import tokenizer
from tests.strategies import contexts

CUT = Cutter(tokenizer())
MOST = GOAL + HEADER + BODY + 20  # with [CLS], [SEP] and the words of the span before


@given(contexts())
def test_every_span_stands_in_one_window_and_no_window_is_too_long(context: Context) -> None:
    spans = split(context)
    windows = CUT(context, spans)
    assert sorted(i for window in windows for i, _, _ in window.spans) == list(range(len(spans)))
    assert all(len(window.ids) <= MOST for window in windows)
    assert all(0 < first <= last < len(window.ids) for window in windows for _, first, last in window.spans)


def test_a_window_holds_spans_of_one_block_only() -> None:
    context = Context(tuple(Segment(Kind.DOCUMENT, "the payment order\nwas refused", (i,)) for i in range(3)), "why")
    spans = split(context)
    for window in CUT(context, spans):
        assert len({spans[i].segment for i, _, _ in window.spans}) == 1


def test_punctuation_and_common_words_are_not_read() -> None:
    bare = Context((Segment(Kind.DOCUMENT, "payment refused", (0,)),), "why")
    full = Context((Segment(Kind.DOCUMENT, "the payment, (refused)", (0,)),), "why")
    assert CUT(bare, split(bare))[0].ids == CUT(full, split(full))[0].ids


def test_only_the_wanted_segments_are_cut() -> None:
    context = Context((Segment(Kind.DOCUMENT, "payment", (0,)), Segment(Kind.DOCUMENT, "refused", (1,))), "why")
    spans = split(context)
    assert [spans[i].segment for window in CUT(context, spans, [1]) for i, _, _ in window.spans] == [1]


def test_the_header_of_a_result_is_its_call() -> None:
    call = Segment(Kind.TOOL_CALL, '{"path": "a.log"}', (0,), pair="1", name="read")
    context = Context((call, Segment(Kind.TOOL_RESULT, "text", (1,), pair="1", name="read")))
    assert header(context, 1) == 'read {"path": "a.log"}'


def test_a_long_span_is_read_at_its_two_ends() -> None:
    text = "why " + "payment " * 100 + "refused"
    context = Context((Segment(Kind.DOCUMENT, text, (0,)),), "night")
    (window,) = CUT(context, [Span(0, 0, len(text), Unit.WHOLE, text)])
    _, first, last = window.spans[0]
    vocabulary = tokenizer().get_vocab()
    assert window.ids[first] == vocabulary["why"]
    assert last - first < 60
    assert window.ids[last - 1] == vocabulary["refused"]
