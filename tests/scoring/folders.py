"""Folders of scorers as users have them, tiny and with random weights: the shipped format and two of transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizerFast

from contextprune.scoring.folder import write_manifest
from contextprune.scoring.torch_network import TorchNetwork

_SAID = "[PAD] [UNK] [CLS] [SEP] [MASK] why does checkout fail the payment order was refused at night and a log # , ( )"
WORDS = _SAID.split()
CURVE = {"logits": [-5.0, 5.0], "shares": [0.01, 0.99], "recalls": [0.5, 0.95], "bars": [0.6, 0.2]}
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


def write_cross_encoder(folder: Path, outputs: int = 1) -> Path:
    """A cross-encoder as transformers and sentence-transformers save it."""
    torch.manual_seed(0)
    sizes = SIZES | {"max_position_embeddings": 128, "initializer_range": 0.5}  # to spread the scores
    BertForSequenceClassification(BertConfig(num_labels=outputs, **sizes)).save_pretrained(folder)
    BertTokenizerFast(tokenizer_object=tokenizer()).save_pretrained(folder)
    return folder


def write_encoder(folder: Path) -> Path:
    """The same without its head: what a bi-encoder is made of."""
    BertModel(BertConfig(**SIZES)).save_pretrained(folder)
    BertTokenizerFast(tokenizer_object=tokenizer()).save_pretrained(folder)
    return folder


def tokenizer(words: Sequence[str] = WORDS) -> Tokenizer:
    """WordPiece over a handful of words."""
    numbered = {word: i for i, word in enumerate(words)}
    pieces = Tokenizer(models.WordPiece(numbered, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[CLS]", numbered["[CLS]"]), ("[SEP]", numbered["[SEP]"])]
    pair = "[CLS] $A [SEP] $B:1 [SEP]:1"
    pieces.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair=pair, special_tokens=ends)
    return pieces


TRAINED_WORDS = [*WORDS, *(f"[unused{i}]" for i in range(100))]  # piece 100 is the one of a text without any


def write_trained(folder: Path, seed: int = 0) -> Path:
    """A folder as training writes it for the network of all spans, with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    state = random_network(len(TRAINED_WORDS) + 1, seed).state_dict()
    (folder / "model.safetensors").write_bytes(save({name: tensor.half() for name, tensor in state.items()}))
    (folder / "calibration.json").write_text(json.dumps({"all": CURVE}))
    tokenizer(TRAINED_WORDS).save(str(folder / "tokenizer.json"))
    write_manifest(folder, "tiny.v2", {"pieces": len(TRAINED_WORDS) + 1})
    return folder


def random_network(pieces: int, seed: int = 0) -> TorchNetwork:
    """A network in torch whose every weight does something."""
    torch.manual_seed(seed)
    network = TorchNetwork(pieces).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        network.table.weight[-1] = 0
    return network
