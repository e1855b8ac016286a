from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.errors import ScorerError
from contextprune.scoring import Scorer, Signals, check, device_of, load_scorer
from tests.scoring.folders import write_cross_encoder

LINES = ("the payment was refused\n", "a log at night\n", "the payment was refused\n", "order order order\n")
CONTEXT = Context(
    (
        Segment(Kind.USER, "why does checkout fail", (0,)),
        Segment(Kind.TOOL_CALL, '{"path": "log"}', (1,), 1, "a", "read"),
        Segment(Kind.TOOL_RESULT, "".join(LINES), (2,), 1, "a", "read"),
        Segment(Kind.DOCUMENT, "".join(LINES), (3,), name="payment"),
    ),
    "why does checkout fail",
)


def cut(context: Context) -> list[Span]:
    """Each line a span."""
    spans = []
    for number, segment in enumerate(context.segments):
        at = 0
        for line in segment.text.splitlines(keepends=True):
            spans.append(Span(number, at, at + len(line), Unit.LINE, line))
            at += len(line)
    return spans


SPANS = cut(CONTEXT)
OF_RESULT, OF_DOCUMENT = slice(2, 6), slice(6, 10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cross_encoder(tmp_path_factory.mktemp("scorers") / "tiny-reranker")


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return load_scorer(str(folder), "cpu")


def scores_of(scorer: Scorer, context: Context, spans: Sequence[Span]) -> list[float]:
    scores = scorer(context, spans)
    check(scores, spans, scorer.name)
    return scores


def test_its_name_is_that_of_the_folder_and_a_hash_of_the_weights(scorer: Scorer) -> None:
    name, _, digest = scorer.name.rpartition(".")
    assert name == "tiny-reranker"
    assert len(digest) == 8


def test_other_weights_have_another_name(scorer: Scorer, tmp_path: Path) -> None:
    other = write_cross_encoder(tmp_path / "tiny-reranker")
    raw = bytearray((other / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (other / "model.safetensors").write_bytes(raw)
    assert load_scorer(str(other), "cpu").name != scorer.name


def test_a_span_is_judged_by_itself_beside_the_query(scorer: Scorer) -> None:
    scores = scores_of(scorer, CONTEXT, SPANS)
    assert scores[2] == scores[4]
    assert len(set(scores[OF_RESULT])) == 3


def test_the_query_counts(scorer: Scorer) -> None:
    other = replace(CONTEXT, query="a night order")
    assert scores_of(scorer, CONTEXT, SPANS)[OF_RESULT] != scores_of(scorer, other, SPANS)[OF_RESULT]


def test_the_title_of_a_document_and_the_call_of_a_result_are_read_with_the_span(scorer: Scorer) -> None:
    scores = scores_of(scorer, CONTEXT, SPANS)
    assert scores[OF_RESULT] != scores[OF_DOCUMENT]


def test_what_no_query_tells_about_has_the_score_of_signals(scorer: Scorer) -> None:
    assert scores_of(scorer, CONTEXT, SPANS)[:2] == Signals()(CONTEXT, SPANS)[:2]


@pytest.mark.parametrize("query", ["", " \n"])
def test_without_a_query_signals_alone_score(scorer: Scorer, query: str) -> None:
    silent = replace(CONTEXT, query=query)
    assert scores_of(scorer, silent, SPANS) == Signals()(silent, SPANS)


def test_the_same_context_has_the_same_scores_in_any_company(scorer: Scorer) -> None:
    many = Context((*CONTEXT.segments, Segment(Kind.DOCUMENT, "log the order\n" * 50, (4,))), CONTEXT.query)
    assert scores_of(scorer, many, cut(many))[OF_RESULT] == scores_of(scorer, CONTEXT, SPANS)[OF_RESULT]


@pytest.mark.parametrize("text", ["", "\ud800 the log", "order " * 5000, "\x00", "日本語 🙂"])
def test_any_text_has_a_score(scorer: Scorer, text: str) -> None:
    context = Context((Segment(Kind.DOCUMENT, text, (0,), name=text),), text or "order")
    scores_of(scorer, context, [Span(0, 0, len(text), Unit.WHOLE, text)])


def test_a_context_without_spans_has_no_scores(scorer: Scorer) -> None:
    assert scorer(Context((), "order"), []) == []


def test_it_says_where_it_runs(scorer: Scorer) -> None:
    assert device_of(scorer) == "cpu"


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(folder: Path, device: str) -> None:
    import torch

    if (torch.cuda if device == "cuda" else torch.backends.mps).is_available():
        pytest.skip("it is there")
    with pytest.raises(ScorerError, match=device):
        load_scorer(str(folder), device)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    broken = write_cross_encoder(tmp_path / "broken")
    raw = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(ScorerError, match="cannot be loaded"):
        load_scorer(str(broken))


def hostile(folder: Path, mark: Path) -> Path:
    """A cross-encoder whose folder holds a module that leaves a mark wherever it is imported."""
    write_cross_encoder(folder)
    (folder / "evil.py").write_text(
        f"open({str(mark)!r}, 'w').close()\n"
        "from torch.nn import Identity as Thing\n"
        "from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast\n"
    )
    return folder


def changed(path: Path, **more: object) -> None:
    about = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(about | more))


def modules(folder: Path) -> None:
    part = {"idx": 0, "name": "0", "path": "", "type": "evil.Thing"}
    (folder / "modules.json").write_text(json.dumps([part]))
    changed(folder / "config_sentence_transformers.json", model_type="CrossEncoder")


def auto_map(folder: Path) -> None:
    names = {"AutoConfig": "BertConfig", "AutoModelForSequenceClassification": "BertForSequenceClassification"}
    changed(folder / "config.json", model_type="evil", auto_map={name: f"evil.{kind}" for name, kind in names.items()})


def tokenizer_map(folder: Path) -> None:
    auto = {"AutoTokenizer": [None, "evil.BertTokenizerFast"]}
    changed(folder / "tokenizer_config.json", tokenizer_class="Evil", auto_map=auto)


def activation(folder: Path) -> None:
    changed(folder / "config.json", sentence_transformers={"activation_fn": "evil.Thing"})


def old_activation(folder: Path) -> None:
    changed(folder / "config.json", sbert_ce_default_activation_function="evil.Thing")


@pytest.mark.parametrize("way", [modules, auto_map, tokenizer_map, activation, old_activation])
def test_code_that_a_folder_brings_is_refused_and_never_run(
    way: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "run"
    folder = hostile(tmp_path / "hostile", mark)
    way(folder)
    monkeypatch.syspath_prepend(folder)  # as where the working folder is among the places of modules
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    with pytest.raises(ScorerError, match="evil"):
        load_scorer(str(folder), "cpu")
    assert not mark.exists()


def test_a_module_of_the_folder_does_leave_its_mark_where_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "run"
    monkeypatch.syspath_prepend(hostile(tmp_path / "hostile", mark))
    monkeypatch.delitem(sys.modules, "evil", raising=False)
    import_module("evil")
    monkeypatch.delitem(sys.modules, "evil")
    assert mark.exists()


def test_a_folder_as_the_library_saves_it_is_read(tmp_path: Path, scorer: Scorer) -> None:
    scorer._model.save_pretrained(str(tmp_path / "saved"))  # type: ignore[attr-defined]
    assert (tmp_path / "saved" / "modules.json").exists()
    again = load_scorer(str(tmp_path / "saved"), "cpu")
    assert scores_of(again, CONTEXT, SPANS) == scores_of(scorer, CONTEXT, SPANS)


def test_a_class_of_the_library_that_is_no_module_is_refused(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "odd")
    modules(folder)
    part = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.util.misc.fullname"}
    (folder / "modules.json").write_text(json.dumps([part]))
    with pytest.raises(ScorerError, match="cannot be loaded"):
        load_scorer(str(folder), "cpu")


_SHUT = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise OSError(f"{event} {arguments}")
sys.addaudithook(refuse)
from contextprune.context import Context, Kind, Segment, Span, Unit
from contextprune.scoring import load_scorer
scorer = load_scorer(sys.argv[1], "cpu")
scorer(Context((Segment(Kind.DOCUMENT, "log", (0,)),), "order"), [Span(0, 0, 3, Unit.LINE, "log")])
print(scorer.name)
"""


def test_no_network_is_asked(folder: Path, scorer: Scorer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SHUT, str(folder)],
        env={"HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == scorer.name
