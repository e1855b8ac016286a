from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from contextprune import api
from contextprune.api import Compressed
from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.dialects import read
from contextprune.display.heatmap import render_page, shown, with_code
from contextprune.plan import Action, Decision, Plan
from contextprune.policy import Budget, Policy
from contextprune.pruner import Pruner
from contextprune.report import summarise
from contextprune.scoring import load_scorer
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken
from tests.growth import assert_linear

DATA = Path(__file__).parents[2] / "examples" / "data"
PRUNER = Pruner(Policy(), load_scorer("lexical"), Tiktoken(), MemoryStore())


class Reader(HTMLParser):
    """Collects the text of each <pre>, the markers, and every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.markers: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("pre", "ins", "a"):
            self._open.append(tag)
        if tag == "pre":
            self.texts.append("")
        if tag == "ins" and "pre" in self._open:
            self.markers.append("")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open == ["pre"]:
            self.texts[-1] += data
        elif self._open == ["pre", "ins"]:
            self.markers[-1] += data


def compressed(name: str, ratio: float) -> tuple[Compressed[Any], str]:
    payload = json.loads((DATA / name).read_bytes())
    done = api.compress(payload, Budget(ratio=ratio), pruner=PRUNER)
    before = done.plan.context.segments
    texts = {i: s.text for i, s in enumerate(read(done.payload).segments) if s.text != before[i].text}
    return done, render_page(done.plan, done.report, name, texts, PRUNER.counter)


def drawn(text: str, *decisions: tuple[str, Decision], name: str | None = None) -> str:
    """The page of one tool result whose spans are the parts of `text`."""
    context = Context((Segment(Kind.TOOL_RESULT, text, (0,), name=name),))
    spans, at = [], 0
    for part, _ in decisions:
        spans.append(Span(0, at, at + len(part), Unit.LINE, part))
        at += len(part)
    plan = Plan(context, tuple(spans), tuple(decision for _, decision in decisions))
    return render_page(plan, summarise(plan, [9], [5], {"split": 0.1}, "counter", "scorer"), "<title>")


@pytest.mark.parametrize(("name", "ratio"), [("swe.json", 0.4), ("airline.json", 0.7), ("shell.json", 0.5)])
def test_every_text_of_a_context_can_be_read_on_the_page(name: str, ratio: float) -> None:
    done, text = compressed(name, ratio)
    expected = [html.unescape(shown(segment.text)) for segment in done.plan.context.segments]
    assert Reader(text).texts == expected


@pytest.mark.parametrize(("name", "ratio"), [("swe.json", 0.4), ("airline.json", 0.7)])
def test_every_marker_that_is_sent_can_be_read_on_the_page(name: str, ratio: float) -> None:
    done, text = compressed(name, ratio)
    found = Reader(text).markers
    sent = "\n".join(segment.text for segment in read(done.payload).segments)
    assert found
    assert all(marker in sent for marker in found)
    assert sum(marker.count("recall=") for marker in found) == len(re.findall(r"recall=[a-z2-7]{12}", sent))


@pytest.mark.parametrize("name", ["swe.json", "shell.json", "swe.claude-code.jsonl", "long-session.json"])
def test_a_page_is_at_most_three_times_its_text(name: str) -> None:
    data = (DATA / name).read_bytes()
    if name.endswith("l"):
        payload: Any = [json.loads(line) for line in data.splitlines()]
    else:
        payload = json.loads(data)
    done = api.compress(payload, Budget(ratio=0.6), pruner=PRUNER)
    assert len(render_page(done.plan, done.report, name).encode()) < 3 * len(data)


def test_a_page_takes_time_as_its_context_has_lines() -> None:
    def plan_of(lines: int) -> tuple[Any, Any]:
        text = "".join(f"src/orders_{i}.py:{i}: order {i * 7} was billed\n" for i in range(lines))
        context = Context((Segment(Kind.TOOL_RESULT, text, ("r",)),), "why")
        pruned = PRUNER(context, Budget(ratio=0.5))
        return pruned.plan, pruned.report

    assert assert_linear(lambda made: render_page(*made, "long", None, PRUNER.counter), plan_of, 500)


def test_nothing_in_a_context_becomes_markup() -> None:
    evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
    kept = Decision(Action.KEEP, 0.5, 9, evil)
    text = drawn(evil, (evil, kept), name=evil)
    reader = Reader(text)
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "img" not in {tag for tag, _ in reader.tags}
    assert reader.texts == [evil]


def test_what_stands_between_backquotes_is_code() -> None:
    assert with_code("use `a<b` now") == "use <code>a&lt;b</code> now"


def test_what_no_file_can_hold_is_shown_by_stand_ins() -> None:
    odd = "a\0b\ud800c\x1b[31md\re\r\nf"
    text = drawn(odd, (odd, Decision(Action.KEEP, 0.5, 9, "chosen")))
    text.encode()
    assert Reader(text).texts == ["a\u2400b\ufffdc\u241b[31md\u240de\nf"]


def test_a_span_says_its_reason_score_and_tokens() -> None:
    text = drawn("one\ntwo\n", ("one\n", Decision(Action.KEEP, 0.91, 3, "chosen")),
                 ("two\n", Decision(Action.DROP, 0.02, 4, "worth less")))  # fmt: skip
    assert 'title="0.91 · 3 tok · chosen"' in text
    assert 'title="0.02 · 4 tok · worth less"' in text


def test_a_merged_span_links_to_the_span_that_stands_for_it() -> None:
    text = drawn("one\none\n", ("one\n", Decision(Action.KEEP, 0.9, 3, "chosen")),
                 ("one\n", Decision(Action.MERGE, 0.9, 3, "the same", into=0)))  # fmt: skip
    tags = Reader(text).tags
    assert ("a", {"class": "x", "href": "#p0"}) in tags
    assert any(attributes.get("id") == "p0" for _, attributes in tags)


@pytest.mark.parametrize("name", ["swe.json", "shell.json"])
def test_every_link_leads_to_one_element(name: str) -> None:
    tags = Reader(compressed(name, 0.5)[1]).tags
    ids = [attributes["id"] for _, attributes in tags if attributes.get("id")]
    links = {(attributes.get("href") or "")[1:] for tag, attributes in tags if tag == "a"}
    assert len(ids) == len(set(ids))
    assert links
    assert links <= set(ids)


def test_the_identifiers_of_a_digested_span_are_highlighted() -> None:
    line = "order 48213 was <late> in 482130\n"
    text = drawn(line, (line, Decision(Action.DIGEST, 0.1, 9, "its identifiers stay", digest=("48213", "<late>"))))
    assert "<mark>48213</mark> was <mark>&lt;late&gt;</mark> in 482130" in text


def test_a_page_needs_nothing_from_elsewhere() -> None:
    _, text = compressed("swe.json", 0.4)
    tags = Reader(text).tags
    assert not any({"src", "onclick"} & attributes.keys() for _, attributes in tags)
    assert all((attributes.get("href") or "#").startswith("#") for _, attributes in tags)
    assert "default-src 'none'" in text


def test_an_empty_context_has_a_page() -> None:
    plan = Plan(Context(()), (), ())
    assert "<main>" in render_page(plan, summarise(plan, [], [], {}, "counter", "scorer"), "nothing")
