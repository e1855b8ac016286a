from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from contextprune.context import Context, Kind, Segment
from contextprune.errors import ScorerError
from contextprune.scoring import Calibrated, Signals
from contextprune.scoring.folder import write_manifest
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.neural import Neural
from contextprune.splitting import split
from tests.scoring.folders import WORDS as VOCABULARY
from tests.scoring.folders import write_neural

WORDS = [word for word in VOCABULARY if word.isalpha()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_neural(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Neural:
    return Neural.load(folder, "cpu")


def document(seed: int, lines: int = 30) -> Segment:
    text = "\n".join(" ".join(WORDS[(seed + 3 * i + j) % len(WORDS)] for j in range(6)) for i in range(lines))
    return Segment(Kind.DOCUMENT, text, (seed,))


def context(*seeds: int) -> Context:
    return Context(tuple(document(seed) for seed in seeds), "why was the order refused", asked=True)


def scored(scorer: Neural, given: Context) -> list[float]:
    return scorer(given, split(given))


def test_there_is_one_probability_for_each_span(scorer: Neural) -> None:
    given = context(1, 2)
    scores = scored(scorer, given)
    assert len(scores) == len(split(given))
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert len(set(scores)) > 1


def test_loading_draws_no_weights_and_so_no_random_numbers_of_the_callers(folder: Path) -> None:
    before = torch.get_rng_state()
    Neural.load(folder, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_loading_imports_no_symbolic_mathematics(folder: Path) -> None:
    """Some draws on the meta device do: 800 modules and a second for nothing."""
    code = "import sys; from pathlib import Path; from contextprune.scoring.neural import Neural\n"
    code += "Neural.load(Path(sys.argv[1]), 'cpu'); print('sympy' in sys.modules)"
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_scores_are_the_same_whatever_is_remembered(folder: Path, scorer: Neural) -> None:
    both = scored(scorer, context(1, 2, 3))
    fresh = Neural.load(folder, "cpu")
    scored(fresh, context(3))
    assert scored(fresh, context(1, 2, 3)) == both
    fresh.forget()
    assert scored(fresh, context(1, 2, 3)) == both


def test_scores_are_the_same_in_every_thread_and_with_any_number_of_threads(folder: Path, scorer: Neural) -> None:
    given = [context(i, i + 1) for i in range(6)]
    expected = [scored(scorer, each) for each in given]
    fresh = Neural.load(folder, "cpu")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: scored(fresh, each), given)) == expected
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert [scored(Neural.load(folder, "cpu"), each) for each in given] == expected
    finally:
        torch.set_num_threads(threads)


def test_the_caller_s_number_of_threads_stays(scorer: Neural) -> None:
    before = torch.get_num_threads()
    scored(scorer, context(7, 8, 9))
    assert torch.get_num_threads() == before


def test_the_query_matters(scorer: Neural) -> None:
    given = context(1)
    other = Context(given.segments, "a log at night", asked=True)
    assert scored(scorer, given) != scored(scorer, other)


def test_kinds_that_it_was_not_trained_on_have_the_score_of_the_signals(scorer: Neural) -> None:
    given = Context((Segment(Kind.USER, "why does checkout fail", (0,)), document(1)), "why")
    spans = split(given)
    assert scorer(given, spans)[0] == Signals()(given, spans)[0]


def test_documents_in_a_script_that_it_never_learnt_have_the_score_of_the_words(scorer: Neural) -> None:
    text = "港口扩建了两次。旧桥因桥墩开裂而关闭。博物馆周一休息。电车有六条线路。"
    given = Context((Segment(Kind.DOCUMENT, text, (0,)),), "旧桥为何关闭", asked=True)
    assert scored(scorer, given) == pytest.approx(Lexical()(given, split(given)), abs=1e-4)


def test_nothing_is_scored_as_nothing(scorer: Neural) -> None:
    assert scorer(Context(()), []) == []


def test_a_batch_gives_what_each_window_gives_by_itself(scorer: Neural) -> None:
    given = context(1, 2, 3)
    windows = scorer._cutter(given, split(given))
    for single, batched in zip(scorer._on_cpu(windows), scorer._in_batches(windows), strict=True):
        assert abs(single - batched).max() < 1e-4


def test_more_recall_asks_for_a_lower_score(scorer: Neural) -> None:
    given = context(1)
    spans = split(given)
    assert isinstance(scorer, Calibrated)
    assert scorer.threshold(given, spans, 0, 0.95) < scorer.threshold(given, spans, 0, 0.5)


def test_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contextprune.scoring.neural.REMEMBERED", 40)
    fresh = Neural.load(folder, "cpu")
    for seed in range(5):
        scored(fresh, context(seed))
    assert fresh._remembered_spans <= 40
    assert sum(map(len, fresh._remembered.values())) == fresh._remembered_spans


@pytest.mark.parametrize("name", ["scorer.json", "model.safetensors", "calibration.json"])
def test_an_incomplete_folder_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    folder = write_neural(tmp_path / "tiny")
    (folder / name).unlink()
    with pytest.raises(ScorerError, match="tiny"):
        Neural.load(folder)


def test_a_shape_that_does_not_fit_the_weights_is_refused(tmp_path: Path) -> None:
    folder = write_neural(tmp_path / "tiny")
    manifest = json.loads((folder / "scorer.json").read_text())
    manifest["shape"]["layers"] = 2
    (folder / "scorer.json").write_text(json.dumps(manifest))
    with pytest.raises(ScorerError, match="does not fit this version"):
        Neural.load(folder)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_device_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ScorerError, match="torch sees none here"):
        Neural.load(folder, "cuda")


def test_the_number_of_threads_of_threads_that_start_later_stays(folder: Path) -> None:
    scored(Neural.load(folder, "cpu"), context(1, 2))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads()


_FORKS = """
import os, sys
from pathlib import Path
from tests.scoring.test_neural import context, scored
from contextprune.scoring.folder import write_manifest
from contextprune.scoring.neural import Neural
scorer = Neural.load(Path(sys.argv[1]), "cpu")
before = scored(scorer, context(1, 2, 3))
child = os.fork()
if child == 0:
    scorer.forget()
    os._exit(0 if scored(scorer, context(1, 2, 3)) == before else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_scores_the_same_and_does_not_hang(folder: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _FORKS, str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], timeout=120, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("calibration.json", "{}"),
        ("calibration.json", '{"all": {"logits": [], "shares": [], "recalls": [], "bars": []}}'),
        ("calibration.json", '{"all": {"logits": [1]}}'),
        ("tokenizer.json", "no tokenizer"),
    ],
)
def test_a_damaged_folder_is_refused_in_our_own_words(tmp_path: Path, name: str, text: str) -> None:
    folder = write_neural(tmp_path / "tiny")
    (folder / name).write_text(text)
    write_manifest(folder, "tiny.v1", json.loads((folder / "scorer.json").read_text())["shape"])
    with pytest.raises(ScorerError):
        Neural.load(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    folder = write_neural(tmp_path / "tiny")
    tensors = load_file(folder / "model.safetensors")
    tensors[min(tensors)].view(-1)[0] = value
    save_file(tensors, folder / "model.safetensors")
    write_manifest(folder, "tiny.v1", json.loads((folder / "scorer.json").read_text())["shape"])
    with pytest.raises(ScorerError, match="some of its weights are no numbers"):
        Neural.load(folder)


def test_scores_that_are_no_numbers_are_an_error_and_no_scores(folder: Path) -> None:
    damaged = Neural.load(folder, "cpu")
    torch.nn.init.constant_(damaged._model.judge.logit.bias, float("nan"))
    with pytest.raises(ScorerError, match=r"tiny.* no numbers"):
        scored(damaged, context(1))
