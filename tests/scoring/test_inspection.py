"""Folders that name code are refused before a library is given them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from contextprune.errors import ScorerError
from contextprune.scoring.inspection import inspect_folder

TRANSFORMER = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.base.modules.Transformer"}
CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "hidden_act": "gelu",
    "activation_function": "gelu_new",
    "sentence_transformers": {"activation_fn": "torch.nn.modules.activation.Sigmoid", "version": "6.0.0"},
    "tokenizer_class": "BertTokenizer",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "config.json", CONFIG)
    write(tmp_path, "modules.json", [TRANSFORMER])
    return tmp_path


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_folder_as_the_libraries_write_it_is_passed(folder: Path) -> None:
    write(folder, "model.safetensors.index.json", {"weight_map": {"a": "model-00001-of-00002.safetensors"}})
    write(folder, "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "auto_map": None})
    assert inspect_folder(folder) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    "kind",
    ["evil.Thing", "os.system", "sentence_transformers_evil.Thing", "sentence_transformers.", "sentence_transformers",
     "sentence_transformers..evil.Thing", "sentence_transformers.x;evil", "sentence_transformers/../evil.Thing",
     "", None, 3, ["evil.Thing"]],
)  # fmt: skip
def test_a_module_of_anybody_elses_is_refused(folder: Path, kind: Any) -> None:
    path = write(folder, "modules.json", [TRANSFORMER, TRANSFORMER | {"type": kind}])
    with pytest.raises(ScorerError, match="is no class of sentence_transformers") as caught:
        inspect_folder(folder)
    assert str(path) in str(caught.value)
    assert repr(kind) in str(caught.value)


def test_a_name_in_capitals_hides_no_file(folder: Path) -> None:
    (folder / "modules.json").unlink()
    write(folder, "Modules.JSON", ["evil.Thing"])
    with pytest.raises(ScorerError, match=r"'evil\.Thing' is no class"):
        inspect_folder(folder)


@pytest.mark.parametrize("content", [["evil.Thing"], {"type": "evil.Thing"}, "evil.Thing", None])
def test_modules_in_any_other_form_are_refused(folder: Path, content: Any) -> None:
    write(folder, "modules.json", json.dumps(content))
    with pytest.raises(ScorerError, match="is no class of sentence_transformers"):
        inspect_folder(folder)


@pytest.mark.parametrize("place", ["..", "../other", "/etc", "a/../../b", "C:\\other", "..\\other", "\\other", 3])
def test_a_module_in_another_folder_is_refused(folder: Path, place: Any) -> None:
    write(folder, "modules.json", [TRANSFORMER | {"path": place}])
    with pytest.raises(ScorerError, match="names another folder"):
        inspect_folder(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("auto_map", {"AutoModel": "evil.Thing"}),
        ("auto_mapping", {"parent_library": "evil"}),
        ("trust_remote_code", True),
        ("custom_pipelines", {"rank": {"impl": "evil.Thing"}}),
        ("weights_only", False),
        ("use_safetensors", False),
        ("gguf_file", "evil.gguf"),
        ("activation_fn", "evil.Thing"),
        ("activation_fn", "torch.hub.load"),
        ("activation_fn", "torch.nn.evil.Thing"),
        ("activation_fn", ["evil.Thing"]),
        ("activation_function", "evil.Thing"),
        ("sbert_ce_default_activation_function", "os.abort"),
        ("tokenizer_class", "evil.Thing"),
        ("types", {"query": "evil.Thing"}),
        ("attn_implementation", "evil/kernel"),
        ("_attn_implementation", "flash_attention_2"),
        ("experts_implementation", "evil/kernel"),
    ],
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "1_Dense/config.json", "anything.json"])
def test_a_key_by_which_code_is_named_is_refused_in_every_file(folder: Path, name: str, key: str, value: Any) -> None:
    path = write(folder, name, {"deep": [{"below": {key: value}}]})
    with pytest.raises(ScorerError, match=f"'{key}' can make a library run code") as caught:
        inspect_folder(folder)
    assert str(path) in str(caught.value)


def test_a_folder_that_a_link_leads_to_is_inspected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere, "config.json", {"auto_map": {"AutoModel": "evil.Thing"}})
    (folder / "0_Transformer").symlink_to(elsewhere)
    with pytest.raises(ScorerError, match="auto_map"):
        inspect_folder(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.json")
    assert inspect_folder(folder) is None  # type: ignore[func-returns-value]


def test_links_that_lead_in_circles_end(folder: Path) -> None:
    (folder / "below").symlink_to(folder)
    assert inspect_folder(folder) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize("name", ["model.bin", "../other.safetensors", "/tmp/a.safetensors", "a\\b.safetensors", 3])
def test_weights_in_other_files_than_safetensors_beside_the_index_are_refused(folder: Path, name: Any) -> None:
    write(folder, "model.safetensors.index.json", {"weight_map": {"a": name}})
    with pytest.raises(ScorerError, match=r"only \*\.safetensors beside it"):
        inspect_folder(folder)


def test_an_index_of_pickled_weights_that_nobody_reads_is_passed(folder: Path) -> None:
    write(folder, "pytorch_model.bin.index.json", {"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}})
    assert inspect_folder(folder) is None  # type: ignore[func-returns-value]


def test_pickled_weights_of_a_module_are_refused(folder: Path) -> None:
    dense = TRANSFORMER | {"path": "1_Dense", "type": "sentence_transformers.base.modules.Dense"}
    write(folder, "modules.json", [TRANSFORMER, dense])
    write(folder, "1_Dense/pytorch_model.bin", "")
    with pytest.raises(ScorerError, match="its weights are pickled"):
        inspect_folder(folder)
    write(folder, "1_Dense/model.safetensors", "")
    inspect_folder(folder)


def test_an_adapter_is_refused(folder: Path) -> None:
    write(folder, "adapter_config.json", {"base_model_name_or_path": "/elsewhere"})
    with pytest.raises(ScorerError, match="merge the adapter"):
        inspect_folder(folder)


@pytest.mark.parametrize("text", ["{", "\x00", "[" * 100_000])
def test_a_file_that_is_no_json_is_refused(folder: Path, text: str) -> None:
    write(folder, "tokenizer_config.json", text)
    with pytest.raises(ScorerError, match="no usable JSON"):
        inspect_folder(folder)


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / "modules.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ScorerError, match="no usable JSON"):
        inspect_folder(folder)
