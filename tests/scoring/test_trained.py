from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from contextprune.context import Context, Kind, Reading, Segment
from contextprune.errors import ScorerError
from contextprune.scoring import Calibrated, Signals
from contextprune.scoring.base import READ
from contextprune.scoring.calibration import rounded
from contextprune.scoring.features import FEATURES, Column, features
from contextprune.scoring.folder import SPANS, write_manifest
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.load import load_scorer
from contextprune.scoring.network import Network
from contextprune.scoring.network_inputs import inputs_of
from contextprune.scoring.torch_network import packed
from contextprune.scoring.trained import Trained, with_words
from contextprune.splitting import split
from contextprune.training.network.fast_wordpiece import FastWordPiece
from tests.growth import assert_linear
from tests.scoring.contexts import LOG, documents, trace
from tests.scoring.folders import TRAINED_WORDS, random_network, tokenizer, write_trained

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_trained(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Trained:
    return Trained.load(folder)


def scored(scorer: Trained, context: Context) -> list[float]:
    return scorer(context, split(context))


CONTEXTS = [
    trace(), documents("One order failed."), documents("a b\n" * 300, "x. y. z. " * 20), documents("...\n,,,\n\n  \n"),
    documents("why did the payment fail\n" * 3000, query=""), documents("\ud800 é\x00 [SEP]\n", "ok"),
]  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS)
def test_each_span_has_a_probability_of_six_digits(scorer: Trained, context: Context) -> None:
    spans = split(context)
    scores = scorer(context, spans)
    assert len(scores) == len(spans)
    assert all(0.0 <= score <= 1.0 for score in scores)
    of_network = (
        score for score, span in zip(scores, spans, strict=True) if context.segments[span.segment].kind in READ
    )
    assert all(rounded(score) == score for score in of_network)


@pytest.mark.parametrize("context", CONTEXTS)
def test_logits_are_those_of_the_network_in_torch_on_pieces_of_the_library(scorer: Trained, context: Context) -> None:
    spans = split(context)
    rows = features(context, spans)
    read = range(len(spans))
    twin = random_network(len(TRAINED_WORDS) + 1).half().float()
    inputs = inputs_of(context, spans, read, rows, FastWordPiece(tokenizer(TRAINED_WORDS)).encode, len(TRAINED_WORDS))
    with torch.inference_mode():
        expected = with_words(context, rows, twin(packed([inputs]))[-1].tolist())
    assert np.abs(np.array(scorer.logits(context, spans, rows)) - np.array(expected)).max() < 1e-3


def test_words_of_the_goal_order_what_the_network_holds_for_unlikely_but_not_in_a_trace() -> None:
    rows = np.zeros((2, FEATURES))
    rows[1, Column.LEXICAL] = 0.5
    unlike, like = with_words(documents("a text"), rows.tolist(), [-9.0, -9.5])
    assert unlike < like
    assert trace().reading is Reading.ASKED_TRACE
    assert with_words(trace(), rows.tolist(), [-9.0, -9.5]) == [-9.0, -9.5]
    assert with_words(documents("a text"), rows.tolist(), [-1e9, 1e9])[1] < 14


def test_it_is_a_scorer_with_thresholds(scorer: Trained) -> None:
    context = documents(LOG)
    assert isinstance(scorer, Calibrated)
    assert scorer.threshold(context, split(context), 0, 0.95) < scorer.threshold(context, split(context), 0, 0.5)
    assert scorer.name.startswith("tiny.v2.")
    assert scorer.runs_on.startswith("cpu, fp32")


def test_a_folder_with_such_a_network_is_opened_without_torch(folder: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['tokenizers'] = None\n"
        "from contextprune.scoring.load import load_scorer\n"
        "from tests.scoring.contexts import trace\n"
        "from contextprune.splitting import split\n"
        "print(load_scorer(sys.argv[1])(trace(), split(trace())))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == load_scorer(str(folder))(trace(), split(trace()))


def test_the_query_and_the_neighbours_matter(scorer: Trained) -> None:
    text = "the order was refused\nthe payment was refused\na log at night\n"
    assert scored(scorer, documents(text)) != scored(scorer, documents(text, query="a log at night"))
    assert scored(scorer, documents(text))[0] != scored(scorer, documents(text[:22]))[0]


def test_kinds_that_it_does_not_read_have_the_score_of_the_signals(scorer: Trained) -> None:
    user = Context((Segment(Kind.USER, "why does checkout fail", (0,)),), "why")
    assert scored(scorer, user) == Signals()(user, split(user))
    spans = split(trace())
    assert scorer(trace(), spans)[0] == Signals()(trace(), spans)[0]


def test_documents_in_a_script_that_it_never_learnt_have_the_score_of_the_words(scorer: Trained) -> None:
    text = "港口扩建了两次。旧桥因桥墩开裂而关闭。博物馆周一休息。电车有六条线路。"
    given = documents(text, query="旧桥为何关闭")
    assert scored(scorer, given) == pytest.approx(Lexical()(given, split(given)), abs=1e-4)


def test_nothing_is_scored_as_nothing(scorer: Trained) -> None:
    assert scorer(Context(()), []) == []


def test_scores_are_the_same_whatever_was_scored_before_or_is_beside(folder: Path, scorer: Trained) -> None:
    expected = [scored(Trained.load(folder), context) for context in CONTEXTS]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda context: scored(scorer, context), CONTEXTS)) == expected
    scorer.forget()
    assert [scored(scorer, context) for context in CONTEXTS] == expected


def test_a_copy_scores_the_same(scorer: Trained) -> None:
    copy: Trained = pickle.loads(pickle.dumps(scorer))
    assert scored(copy, trace()) == scored(scorer, trace())


_FORKS = """
import os, sys
from tests.scoring.contexts import trace
from contextprune.scoring.load import load_scorer
from contextprune.splitting import split
scorer = load_scorer(sys.argv[1])
before = scorer(trace(), split(trace()))
child = os.fork()
if child == 0:
    os._exit(0 if scorer(trace(), split(trace())) == before else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_scores_the_same_and_does_not_hang(folder: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _FORKS, str(folder)]
    assert subprocess.run(command, cwd=ROOT, timeout=120, check=False).returncode == 0


@pytest.mark.parametrize("text", ["x" * 10_000_000, "a\n" * 20_000, " \n" * 5_000, "\x00" * 100_000, "]" * 1_000_000])
def test_texts_made_to_be_slow_are_scored(scorer: Trained, text: str) -> None:
    context = Context((Segment(Kind.TOOL_RESULT, text, (0,)),), "why does the payment fail", asked=True)
    spans = split(context)
    assert len(scorer(context, spans)) == len(spans)


def test_the_time_is_linear_in_the_text(scorer: Trained) -> None:
    def given(size: int) -> Context:
        return documents(*("\n".join(f"worker {i} took order {i * k}" for i in range(50)) for k in range(size)))

    assert_linear(lambda context: scored(scorer, context), given, 10)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ScorerError, match=r"some of its weights are no numbers.*train it anew"):
        Trained.load(changed(tmp_path, "gate", lambda array: np.full_like(array, value)))


@pytest.mark.parametrize("name", ["conv.1", "table.weight", "out_bias", "near.3"])
def test_weights_of_another_shape_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScorerError, match=rf"{name}|vocabulary"):
        Trained.load(changed(tmp_path, name, lambda array: array[:-1]))


def test_weights_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScorerError, match="no numbers with a fraction: mark"):
        Trained.load(changed(tmp_path, "mark", lambda array: array.astype(np.int64)))


def test_a_weight_too_much_or_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScorerError, match="planted is unknown"):
        Trained.load(changed(tmp_path / "more", "planted", lambda _: np.zeros(3, np.float16)))
    with pytest.raises(ScorerError, match="bias is nothing"):
        Trained.load(changed(tmp_path / "less", "bias", lambda _: None))


def test_a_file_that_was_altered_and_one_that_is_no_file_of_weights_are_refused(tmp_path: Path) -> None:
    folder = write_trained(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ScorerError, match="is not the file that"):
        Trained.load(folder)
    write_manifest(folder, "tiny.v2", {}, SPANS)
    with pytest.raises(ScorerError, match="its weights cannot be read"):
        Trained.load(folder)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("tokenizer.json", "none"),
        ("tokenizer.json", "[]"),
        ("tokenizer.json", '{"model": {}}'),
        ("calibration.json", "{}"),
    ],
)
def test_a_damaged_folder_is_refused_in_our_own_words(tmp_path: Path, file: str, text: str) -> None:
    folder = write_trained(tmp_path / "tiny")
    (folder / file).write_text(text)
    write_manifest(folder, "tiny.v2", {}, SPANS)
    with pytest.raises(ScorerError):
        Trained.load(folder)


def test_scores_that_are_no_numbers_are_an_error_and_no_scores(folder: Path) -> None:
    damaged = Trained.load(folder)
    assert isinstance(damaged._network, Network)
    damaged._network._weights["out_bias"][:] = np.nan
    with pytest.raises(ScorerError, match=r"tiny.* no numbers"):
        scored(damaged, trace())


def changed(folder: Path, name: str, change: Callable[[Any], Any]) -> Path:
    """A folder whose weight `name` is what `change` makes of it; none where that is None."""
    write_trained(folder)
    weights = load_file(folder / "model.safetensors")
    weights[name] = change(weights.get(name))
    save_file({key: array for key, array in weights.items() if array is not None}, folder / "model.safetensors")
    write_manifest(folder, "tiny.v2", {}, SPANS)
    return folder
