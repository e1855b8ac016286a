from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import contextprune as cp
from contextprune.dialects import read
from contextprune.markers import recall_keys, stands_for
from contextprune.money.tariff import Piece, Tariff, charge
from contextprune.plan import Action
from contextprune.pruner import Pruned
from contextprune.session.replay import replay
from contextprune.settings import Settings
from tests import tool_outputs as outputs
from tests.strategies import BODIES, COUNTER, LEXICAL, SCORERS, Constant, Turn, pruner

LOG = outputs.log(80, 1)
TENTH = cp.Budget(ratio=0.2)


def result(text: str, turn: int = 1) -> cp.Segment:
    return cp.Segment(cp.Kind.TOOL_RESULT, text, ("r", turn), turn=turn, pair=f"c{turn}")


def context(*segments: cp.Segment) -> cp.Context:
    return cp.Context((cp.Segment(cp.Kind.USER, "Go.", ("u",)), *segments), "Go.")


def test_edits_plan_and_report_speak_of_the_same_texts() -> None:
    done = pruner()(context(result(LOG)), TENTH)
    assert list(done.edits) == [("r", 1)]
    assert done.report.after == COUNTER("Go.") + COUNTER(done.edits["r", 1])
    assert "".join(s.text for s in done.plan.spans) == "Go." + LOG


def test_a_result_that_quotes_a_marker_is_shortened_and_raises_no_budget() -> None:
    engine, table = pruner(), outputs.csv(200, 3)
    engine.store.put({engine.store.key(table): table})
    quote = f"{outputs.log(80, 2)}\n[lines 1-9 cut, recall={engine.store.key(table)}]"
    quoting = context(result(LOG), result(quote, 2))
    assert engine(quoting, TENTH).report.after <= TENTH.resolve(sum(COUNTER(s.text) for s in quoting.segments))
    assert ("r", 2) in engine(quoting, TENTH).edits


class Asked(cp.MemoryStore):
    """A store that counts how often it is asked."""

    queries = 0

    def stored(self, keys: Sequence[str]) -> Collection[str]:
        self.queries += 1
        return super().stored(keys)

    def get(self, key: str) -> str | None:
        self.queries += 1
        return super().get(key)


@pytest.mark.parametrize("budget", [TENTH, None])
def test_thousands_of_markers_that_only_look_like_ours_are_one_query(budget: cp.Budget | None) -> None:
    store = Asked()
    keys = (store.key(str(number)) for number in range(2_000))
    quoting = "".join(f"[lines 1-9 cut, recall={key}]\n" for key in keys)
    cp.Pruner(cp.Policy(), LEXICAL, COUNTER, store)(context(result(quoting)), budget)
    assert store.queries == 1


@pytest.mark.parametrize("ratio", [0.1, 0.3, 0.6])
def test_what_was_shortened_counts_as_its_original_and_stays_as_it_is(ratio: float) -> None:
    for make in (
        outputs.json_pretty,
        outputs.json_lines,
        outputs.log,
        outputs.code,
        outputs.csv,
        outputs.html,
        outputs.markdown,
    ):
        engine, text = pruner(), make(30, 1)
        short = engine(context(result(text)), cp.Budget(ratio=ratio)).edits["r", 1]
        assert stands_for(short, text)
        assert engine(context(result(short)), cp.Budget(ratio=ratio)).edits == {}


def test_a_context_that_fits_is_not_even_scored() -> None:
    class Untouchable:
        name = "untouchable"

        def __call__(self, context: cp.Context, spans: Sequence[cp.Span]) -> list[float]:  # noqa: ARG002
            raise AssertionError

    done = pruner(Untouchable())(context(result(LOG)), cp.Budget(ratio=1.0))
    assert done.edits == {}
    assert {d.reason for d in done.plan.decisions} == {"within the budget"}


def test_the_report_says_that_a_text_of_too_many_pieces_was_not_cut() -> None:
    numbers = json.dumps(list(range(10_000)))
    done = pruner()(context(result(numbers), result(LOG, turn=2)), TENTH)
    assert "1 text of very many short pieces not cut: kept or left out whole" in done.report.notes
    assert not any("pieces" in note for note in pruner()(context(result(LOG)), TENTH).report.notes)


def test_what_arrives_in_too_many_pieces_is_sent_whole_and_the_report_says_so_once() -> None:
    engine, numbers = pruner(), json.dumps(list(range(10_000)))
    arrived = context(result(numbers))
    first = engine(arrived)
    assert first.edits == {}
    assert "1 text of very many short pieces not cut: sent whole" in first.report.notes
    assert {decision.reason for decision in first.plan.decisions} >= {"too many short pieces to choose among"}
    assert not any("pieces" in note for note in engine(context(result(numbers), result("ok", turn=2))).report.notes)


def test_the_originals_are_in_the_store_before_the_edits_come_back() -> None:
    engine = pruner()
    engine(context(result(LOG)), TENTH)
    assert engine.store.get(engine.store.key(LOG)) == LOG


def test_a_store_that_cannot_write_lets_nothing_through(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    store = cp.SQLiteStore(tmp_path / "folder" / "s.sqlite3")
    engine = cp.Pruner(cp.Policy(min_tokens=0), cp.load_scorer("lexical"), COUNTER, store)
    with pytest.raises(cp.StoreError):
        engine(context(result(LOG)), TENTH)


def test_what_is_not_recallable_stores_nothing_and_names_no_key() -> None:
    store = cp.MemoryStore()
    engine = cp.Pruner(cp.Policy(min_tokens=0), cp.load_scorer("lexical"), COUNTER, store, recallable=False)
    text = engine(context(result(LOG)), TENTH).edits["r", 1]
    assert "recall=" not in text
    assert "[…]" in text
    assert store.get(store.key(LOG)) is None


def test_a_text_with_a_marker_of_ours_is_never_shortened_again() -> None:
    engine = pruner()
    once = engine(context(result(LOG)), TENTH).edits["r", 1]
    done = engine(context(result(once), result(outputs.log(80, 2), 2)), cp.Budget(tokens=700))
    assert ("r", 1) not in done.edits
    assert "already shortened" in {d.reason for d in done.plan.decisions}


def test_a_forged_marker_freezes_nothing() -> None:
    forged = f"[3 lines cut, recall=abcdefghijkl]\n{LOG}"
    assert ("r", 1) in pruner()(context(result(forged)), TENTH).edits


def test_a_ratio_counts_from_the_originals() -> None:
    engine = pruner()
    first = engine(context(result(LOG)), TENTH)
    again = engine(context(result(first.edits["r", 1])), TENTH)
    assert again.edits == {}


def test_on_arrival_blocks_below_the_least_size_stay() -> None:
    assert pruner(min_tokens=COUNTER(LOG) + 1)(context(result(LOG))).edits == {}
    assert pruner(min_tokens=100)(context(result(LOG))).edits


def test_on_arrival_what_comes_later_changes_nothing_about_a_block() -> None:
    first = pruner()(context(result(LOG))).edits["r", 1]
    later = pruner()(context(result(LOG), cp.Segment(cp.Kind.USER, "ERROR 7?", ("v",)), result(outputs.log(80, 3), 2)))
    assert later.edits["r", 1] == first


def test_on_arrival_a_shortened_block_changes_nothing_about_later_ones() -> None:
    """Idempotence: what a frozen block shows must count as it did when the block was new."""
    base64 = outputs.base64
    answers = (("call_0_0", outputs.json_pretty(1, 0)), ("call_0_1", "\n".join([outputs.diff(1, 0), base64(7, 2)])))
    turns = [
        Turn(None, None, answers, (0, 1), None, failed=False, breakpoint=False, extra=0),
        Turn(None, None, (("call_1_0", base64(6, 2)),), (0,), None, failed=False, breakpoint=False, extra=0),
    ]
    engine = pruner()
    once = cp.compress(BODIES["chat"](turns, "Why does orders fail? Look at billing."), pruner=engine).payload
    assert cp.compress(once, pruner=engine).payload is once


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda scorer: scorer.name[:7])
@pytest.mark.parametrize("text", [outputs.json_pretty(2, 0), outputs.json_pretty(8, 0), outputs.test_run(8, 0)])
def test_on_arrival_a_shortened_block_changes_nothing_about_its_copy(scorer: cp.Scorer, text: str) -> None:
    engine = pruner(scorer)
    first = context(result(text), result(text, 2))
    edits = engine(first).edits
    again = cp.Context(tuple(replace(s, text=edits.get(s.ref, s.text)) for s in first.segments), "Go.")
    assert engine(again).edits == {}


def test_the_report_tells_the_time_of_each_stage() -> None:
    assert list(pruner()(context(result(LOG)), TENTH).report.seconds) == ["split", "count", "score", "select", "render"]


def test_images_count_against_the_budget() -> None:
    image = cp.Segment(cp.Kind.IMAGE, "", ("i",), cost=500)
    done = pruner()(context(image, result(LOG)), cp.Budget(tokens=700))
    assert done.report.after <= 700
    assert done.report.by_kind[cp.Kind.IMAGE] == (500, 500)


def test_images_beyond_the_budget_are_named() -> None:
    image = cp.Segment(cp.Kind.IMAGE, "", ("i",), cost=500)
    with pytest.raises(cp.BudgetError) as caught:
        pruner()(context(image, result(LOG)), cp.Budget(tokens=300))
    assert caught.value.needed > 500
    assert caught.value.protected.get("image") == 500
    assert caught.value.budget == 300


@pytest.mark.parametrize("budget", [None, TENTH])
def test_a_context_without_text_is_left_alone(budget: cp.Budget | None) -> None:
    assert pruner()(cp.Context(()), budget).edits == {}


def test_no_text_grows_where_scores_say_nothing() -> None:
    done = pruner(Constant(0.0))(context(result("a\nb\nc\n" * 20)), cp.Budget(ratio=0.5))
    assert all(len(text) <= 120 for text in done.edits.values())


def test_what_was_not_used_after_all_is_kept_in_the_plan() -> None:
    done = pruner()(context(result(LOG), result("a b\n" * 3, 2)), TENTH)
    for span, decision in zip(done.plan.spans, done.plan.decisions, strict=True):
        if done.plan.context.segments[span.segment].ref not in done.edits:
            assert decision.action is Action.KEEP


def test_what_is_not_given_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONTEXTPRUNE_TOKENIZER", "estimate")
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")
    monkeypatch.setenv("CONTEXTPRUNE_RECALL", "0.5")
    engine = cp.Pruner()
    assert isinstance(engine.store, cp.MemoryStore)
    assert engine.counter.name.startswith("estimate")
    assert engine.policy.recall == 0.5
    assert Settings().policy.recall != 0.5


def test_results_travel_between_processes() -> None:
    done = pruner()(context(result(LOG)), TENTH)
    assert pickle.loads(pickle.dumps(done.plan)) == done.plan


class Watched:
    """A pruner that keeps its reports."""

    def __init__(self, engine: cp.Pruner) -> None:
        self.engine = engine
        self.reports: list[cp.Report] = []

    def __call__(self, context: cp.Context, *, cold: bool = False) -> Pruned:
        done = self.engine(context, cold=cold)
        self.reports.append(done.report)
        return done


@pytest.mark.parametrize("window", [200_000, 5_000], ids=["no epoch", "epochs"])
def test_the_money_of_a_request_is_what_the_providers_cache_makes_of_it(window: int) -> None:
    """Reckoned from what was sent this time and the time before, byte by byte."""
    tariff = Tariff("gpt-4o", 2.5, 1.25, 2.5, least=0)
    body = json.loads((Path(__file__).parent.parent / "examples" / "data" / "airline.json").read_bytes())
    watched = Watched(pruner(window=window, tariffs={"gpt-4o": tariff}, min_tokens=200))
    last: tuple[tuple[Piece, ...], tuple[Piece, ...]] = (), ()
    for request in replay(read(body), watched):
        report = watched.reports[-1]
        assert report.cost is not None
        assert report.cost.was == charge(last[0], request.before, tariff)
        assert report.cost.sent == charge(last[1], request.after, tariff)
        assert report.epoch == request.epoch
        last = request.before, request.after
    assert any(report.epoch for report in watched.reports) == (window == 5_000)


def test_under_a_budget_nobody_knows_what_the_cache_holds() -> None:
    assert pruner()(context(result(LOG)), TENTH).report.cost is None


def test_the_policys_prices_win_over_the_models_but_a_family_has_no_dollars() -> None:
    own = {"mine": Tariff("mine", 1.0, 1.0, 1.0), "named": Tariff("named", 2.0, 2.0, 2.0)}
    said = replace(context(result(LOG)), model="named")
    for prices, expected in (("", "named"), ("mine", "mine"), ("anthropic", "named")):
        cost = pruner(prices=prices, tariffs=own)(said).report.cost
        assert cost is not None
        assert cost.tariff == expected


def test_the_report_says_where_reasoning_forbids_epochs() -> None:
    bound = replace(context(result(LOG)), bound=True)
    assert any(note.startswith("no epochs") for note in pruner()(bound).report.notes)
    assert not any(note.startswith("no epochs") for note in pruner(epochs=False)(bound).report.notes)


def test_a_pickled_one_decides_the_same_and_a_deep_copy_is_the_same_one() -> None:
    engine = cp.Pruner(cp.Policy(min_tokens=50), LEXICAL, store=cp.MemoryStore(), hints=False, references=False)
    twin = pickle.loads(pickle.dumps(engine))
    assert twin.policy == engine.policy
    assert (twin.resources.hints, twin.resources.references) == (False, False)
    text = outputs.listing(60, 1)
    assert cp.compress(text, pruner=twin).text == cp.compress(text, pruner=engine).text
    assert copy.deepcopy(engine) is engine


MARKED = "<contextprune-keep>\nThe third gate opens to the left.\n</contextprune-keep>\n"
GATES = "".join(f"gate {n} was opened at {n * 7 % 60} past noon by guard {n % 5}\n" for n in range(80))


@pytest.mark.parametrize(("tokens", "stays"), [(80, True), (20, False)])
def test_a_marked_passage_comes_first_under_a_budget_and_goes_where_that_cannot_hold_it(
    tokens: int, *, stays: bool
) -> None:
    pruner = cp.Pruner(cp.Policy(), LEXICAL, COUNTER, cp.MemoryStore())
    text = GATES + MARKED + GATES.replace("gate", "door")
    out = cp.compress(text, cp.Budget(tokens=tokens), pruner=pruner)
    assert (MARKED in out.text) == stays
    assert cp.recall(recall_keys(out.text)[0], pruner=pruner) == text
