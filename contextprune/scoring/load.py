"""Find a scorer: the shipped ones by name, any other by its folder.

Modules that need torch are imported only for a scorer that does: the core works without, and so does the shipped model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contextprune.context import Kind
from contextprune.errors import ScorerError
from contextprune.scoring.base import Blend, Scorer
from contextprune.scoring.deadline import Deadline
from contextprune.scoring.folder import MANIFEST
from contextprune.scoring.lexical import Lexical
from contextprune.scoring.signals import Signals

DEVICES = ("auto", "cpu", "cuda", "mps")
NAMES = ("auto", "neural", "lexical")
WEIGHTS = Path(__file__).parent.parent / "weights"
"""The folder of the shipped model."""
SHIPPED: Mapping[str, str] = {
    "model.safetensors": "ddde8bc20c4d13fd082c1aba43e9300fa5d09c6e06c1075661d4516975b2af79",
    "tokenizer.json": "6681992d43e581b35b3dd61f3c81ee0f891fbf13ad54f8b692ea868bd46b066b",
    "calibration.json": "5c7030bb8413489a50b622833afe269351d9f172427df4e57b2cd546f5ad07a8",
}
"""SHA-256 of its files, as `scorer.json` beside them has them: who can change that file cannot change this one."""

_VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model")
_NEEDED = ("numpy", "safetensors")
_TRACE = {"signals.v1": 1.0}
_QUERIED = {"lexical.v1": 0.05, "signals.v1": 0.95}
_SINGLE = {"lexical.v1": 0.8, "signals.v1": 0.2}
_TEXT = {"lexical.v1": 1.0}


def load_scorer(name: str = "auto", device: str = "auto") -> Scorer:
    """The scorer called `name`, or the one in the folder `name`.

    "neural" is the shipped model, which needs no torch; "auto" is it, too, or "lexical", which is no model, where it is
    damaged or missing. A folder holds a scorer of `contextprune train`, or a cross-encoder as sentence-transformers
    writes it. `device` is "auto", "cpu", "cuda" or "mps"; the model runs on a GPU where torch and CUDA are. Raises
    ScorerError for an unknown or unusable one, MissingExtra for one that needs torch without it.
    """
    if device not in DEVICES:
        raise ScorerError(f"unknown device {device!r}: {', '.join(DEVICES[:-1])} or {DEVICES[-1]}")

    if name == "lexical":
        return _lexical()
    if name == "neural":
        return _shipped(device)
    if name == "auto":
        lacking = _lacking()
        return _lexical(f"scored without the model: {lacking}") if lacking else _shipped(device)

    folder = Path(name).expanduser()
    if folder.is_dir():
        return _of_folder(folder, device)
    if os.sep in name or "/" in name:
        raise ScorerError(f"no folder {folder}: a scorer's folder holds scorer.json, or config.json of a cross-encoder")
    close = get_close_matches(name, NAMES, n=1, cutoff=0.0)[0]
    raise ScorerError(f"unknown scorer {name!r}, did you mean {close!r}? There are {', '.join(NAMES)}, and any folder")


def in_time(scorer: Scorer, seconds: float | None) -> Scorer:
    """`scorer` with a deadline: what it does not score in `seconds` is scored by words.

    It comes back as it is where it goes by words itself. Raises ScorerError where there is no time at all.
    """
    if seconds is None or isinstance(scorer, Blend | Deadline):
        return scorer
    if not seconds > 0:
        raise ScorerError(f"a deadline is a number of seconds above 0, not {seconds}")
    return Deadline(scorer, _lexical(), seconds)


def _lexical(note: str = "") -> Blend:
    """On traces recency, uniqueness and references carry the weight; on documents and single results the query does."""
    kinds = {Kind.TOOL_RESULT: _TRACE, Kind.DOCUMENT: _TEXT, Kind.EXAMPLE: _TEXT}
    return Blend((Lexical(), Signals()), default=_TRACE, weights=kinds, asked=_QUERIED, alone=_SINGLE, note=note)


def _lacking() -> str:
    """The reason why the shipped model cannot run here, and what to do; "" where it can. Imports nothing."""
    absent = next((package for package in _NEEDED if find_spec(package) is None), "")
    if absent:
        return f"{absent} is not installed (install contextprune-ai anew)"
    if not (WEIGHTS / MANIFEST).is_file():
        return "this installation has no weights (install contextprune-ai anew)"
    return ""


@cache  # 10 MB to read and check, and `compress` without a pruner of its own loads a scorer at each call
def _shipped(device: str) -> Scorer:
    from contextprune.scoring.trained import Trained  # noqa: PLC0415 - imports NumPy

    return Trained.load(WEIGHTS, device, SHIPPED)


def _of_folder(folder: Path, device: str) -> Scorer:
    if (folder / MANIFEST).is_file():
        from contextprune.scoring.trained import Trained  # noqa: PLC0415 - imports NumPy

        return Trained.load(folder, device)
    _check_cross_encoder(folder)
    from contextprune.scoring.cross_encoder import CrossEncoder  # noqa: PLC0415 - imports sentence-transformers

    return CrossEncoder.load(folder, device)


def _check_cross_encoder(folder: Path) -> None:
    """Raise ScorerError unless a folder holds a cross-encoder with one number a pair, as safetensors."""
    config = _config(folder)
    kind = str(next(iter(config.get("architectures") or ()), "no architecture"))
    labels = len(config.get("id2label") or "01")  # two is what transformers takes where none are listed
    if config.get("model_type") == "bert" and not kind.endswith("ForSequenceClassification"):
        raise ScorerError(
            f"{folder} holds an encoder ({kind}), which makes vectors and no scores: "
            "give a cross-encoder, or a scorer that `contextprune train` made"
        )

    if not kind.endswith("ForSequenceClassification") or labels != 1:
        raise ScorerError(
            f"{folder} holds {kind} with {labels} outputs: a cross-encoder is a ...ForSequenceClassification with one"
        )

    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        raise ScorerError(f"{folder} has no tokenizer: one of {', '.join(_VOCABULARIES)} belongs to a cross-encoder")
    if next(folder.glob("*.safetensors"), None) is None:
        raise ScorerError(
            f"{folder} has no *.safetensors, and other weights are not read, because pickled ones can run code. If you "
            f"trust them, convert them: AutoModelForSequenceClassification.from_pretrained({str(folder)!r})"
            f".save_pretrained({str(folder)!r})"
        )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as exc:
        raise ScorerError(f"{folder} holds no scorer: neither scorer.json nor config.json can be read") from exc
    except ValueError as exc:
        raise ScorerError(f"{folder / 'config.json'} is not JSON: {exc}") from exc
    if not isinstance(config, dict):
        raise ScorerError(f"{folder / 'config.json'} is not a model's configuration")
    return config
