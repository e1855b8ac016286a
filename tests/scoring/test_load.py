from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from contextprune import api
from contextprune.context import Document
from contextprune.errors import MissingExtra, ScorerError
from contextprune.policy import Budget, Policy
from contextprune.pruner import Pruner
from contextprune.scoring import load_scorer, remarks
from contextprune.scoring.load import WEIGHTS, _shipped
from contextprune.storage.store import MemoryStore
from contextprune.tokens import Tiktoken
from tests.scoring.folders import write_cross_encoder, write_encoder, write_trained

LEXICAL = "lexical.v1+signals.v1"
DOCUMENTS = [Document("The order failed. Payment was refused at night. A log says why. " * 20, id="a")]


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """As where `package` is not installed: importing it raises ImportError."""
    _shipped.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    for module in ("neural", "encoder", "cross_encoder"):
        monkeypatch.delitem(sys.modules, f"contextprune.scoring.{module}", raising=False)


def test_the_lexical_scorer_is_named_by_its_parts() -> None:
    assert load_scorer("lexical").name == LEXICAL


def test_lexical_has_nothing_to_excuse() -> None:
    assert remarks(load_scorer("lexical")) == ()


@pytest.mark.parametrize("package", ["safetensors", "numpy"])
def test_auto_without_a_needed_package_is_lexical_and_says_why(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    without(monkeypatch, package)
    scorer = load_scorer("auto")
    assert scorer.name == LEXICAL
    assert remarks(scorer) == (f"scored without the model: {package} is not installed (install contextprune-ai anew)",)


def test_the_reason_reaches_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "safetensors")
    for name, said in (("auto", 1), ("lexical", 0)):
        pruner = Pruner(Policy(), load_scorer(name), Tiktoken(), MemoryStore())
        report = api.prune_documents(DOCUMENTS, "why did the order fail?", Budget(ratio=0.5), pruner).report
        assert len(report.notes) == said
        assert str(report).count("safetensors is not installed") == said


@pytest.mark.parametrize("package", ["torch", "tokenizers"])
def test_the_shipped_model_needs_no_torch(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    without(monkeypatch, package)
    assert load_scorer("neural", "cpu").name == load_scorer("auto", "cpu").name
    assert remarks(load_scorer("auto", "cpu")) == ()


def test_auto_is_the_shipped_model() -> None:
    digest = json.loads((WEIGHTS / "scorer.json").read_text())["sha256"]
    for name in ("auto", "neural"):
        scorer = load_scorer(name, "cpu")
        assert scorer.name.endswith(digest[:8])
        assert remarks(scorer) == ()


def test_the_shipped_model_is_read_once_in_a_process() -> None:
    assert load_scorer("neural", "cpu") is load_scorer("auto", "cpu")


def test_a_folder_of_a_trained_scorer_is_loaded_by_its_path(tmp_path: Path) -> None:
    folder = write_trained(tmp_path / "mine")
    scorer = load_scorer(str(folder), "cpu")
    assert scorer.name.startswith("tiny.v2.")
    pruner = Pruner(Policy(), scorer, Tiktoken(), MemoryStore())
    got = api.prune_documents(DOCUMENTS, "why did the order fail?", Budget(ratio=0.5), pruner)
    assert got.report.after <= 0.5 * got.report.before


def test_a_path_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_trained(tmp_path / "mine")
    assert load_scorer("~/mine", "cpu").name.startswith("tiny.v2.")


def test_a_path_may_be_the_name_of_a_folder_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_trained(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert load_scorer("mine", "cpu").name.startswith("tiny.v2.")


def test_weights_that_are_not_what_their_hash_says_are_refused(tmp_path: Path) -> None:
    folder = write_trained(tmp_path / "mine")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(ScorerError, match=r"is not the file that scorer\.json names"):
        load_scorer(str(folder), "cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "calibration.json"])
def test_an_incomplete_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_trained(tmp_path / "mine")
    (folder / name).unlink()
    with pytest.raises(ScorerError):
        load_scorer(str(folder), "cpu")


def test_a_cross_encoder_is_loaded_by_its_path(tmp_path: Path) -> None:
    assert load_scorer(str(write_cross_encoder(tmp_path / "reranker")), "cpu").name.startswith("reranker.")


def test_a_cross_encoder_without_its_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_cross_encoder(tmp_path / "reranker")
    without(monkeypatch, "sentence_transformers")
    with pytest.raises(MissingExtra, match=r"contextprune-ai\[sentence-transformers\]"):
        load_scorer(str(folder))


def test_pickled_weights_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "old")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ScorerError, match=r"pickled ones can run code.*\.save_pretrained"):
        load_scorer(str(folder))


def test_an_encoder_is_refused_with_what_it_is_good_for(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")
    with pytest.raises(ScorerError, match="makes vectors and no scores"):
        load_scorer(str(folder))


def test_a_classifier_of_several_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScorerError, match="BertForSequenceClassification with 3 outputs"):
        load_scorer(str(write_cross_encoder(tmp_path / "nli", outputs=3)))


def test_a_cross_encoder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "bare")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ScorerError, match="no tokenizer"):
        load_scorer(str(folder))


@pytest.mark.parametrize("config", ["", "[]", "{", '{"architectures": null}', '{"architectures": ["GPT2LMHeadModel"]}'])
def test_a_folder_of_something_else_is_refused(tmp_path: Path, config: str) -> None:
    (tmp_path / "other").mkdir()
    if config:
        (tmp_path / "other" / "config.json").write_text(config)
    with pytest.raises(ScorerError, match="other"):
        load_scorer(str(tmp_path / "other"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt", "unknown scorer 'gpt'"),
        ("neurall", "did you mean 'neural'"),
        ("lexikal", "did you mean 'lexical'"),
        ("./scorer", "no folder scorer"),
        ("~/no/such/scorer", "no folder /"),
    ],
)
def test_an_unknown_name_is_refused(name: str, said: str) -> None:
    with pytest.raises(ScorerError, match=said):
        load_scorer(name)


@pytest.mark.parametrize("name", ["lexical", "auto", "neural"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(ScorerError, match="unknown device 'tpu': auto, cpu, cuda or mps"):
        load_scorer(name, "tpu")


def test_a_gpu_that_is_not_there_is_refused(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("it is there")
    with pytest.raises(ScorerError, match="cuda"):
        load_scorer(str(write_trained(tmp_path / "mine")), "cuda")
