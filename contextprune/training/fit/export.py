"""Write the folder that `load_scorer` reads: half-precision weights, tokenizer, calibration, and who they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save

from contextprune.scoring.encoder import Model
from contextprune.scoring.folder import CALIBRATION, TOKENIZER, WEIGHTS, write_manifest
from contextprune.scoring.listwise import PREFIX, Listwise

NAME = "neural.v1"


def export(
    model: Model,
    tokenizer: Path,
    calibration: Mapping[str, Any],
    out: Path,
    name: str = NAME,
    listwise: Listwise | None = None,
) -> Path:
    """Write the files of a scorer into `out` and return it; other files in it (the model card) stay."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = model.state_dict()
    if listwise:
        tensors |= {PREFIX + key: value for key, value in listwise.state_dict().items()}
    (out / WEIGHTS).write_bytes(save({key: value.half().contiguous() for key, value in tensors.items()}))

    tokens = json.loads(tokenizer.read_text(encoding="utf-8"))
    tokens["truncation"] = tokens["padding"] = None  # the upstream file cuts at 128, silently
    (out / TOKENIZER).write_text(json.dumps(tokens, ensure_ascii=False), encoding="utf-8", newline="\n")
    (out / CALIBRATION).write_text(json.dumps(calibration), encoding="utf-8", newline="\n")
    write_manifest(out, name, asdict(model.reader.encoder.shape))
    return out
