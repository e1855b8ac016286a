"""The folder of a trained scorer: four files, of which `scorer.json` says what the others must be.

    scorer.json         name, kind and shape of the network, version of the features, SHA-256 of each other file
    model.safetensors   weights
    tokenizer.json      vocabulary
    calibration.json    curves

A folder from before versions and hashes of all files were written has features of version 1, and the hash of its
weights alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from contextprune.errors import ScorerError
from contextprune.scoring.features import FEATURES_VERSION

MANIFEST, WEIGHTS, TOKENIZER, CALIBRATION = "scorer.json", "model.safetensors", "tokenizer.json", "calibration.json"
SPANS = "spans.v2"
"""The kind of network that reads all spans of a context at once; the one before had no name."""
FIRST_VERSION = 1  # of the features, where a manifest names none


@dataclass(frozen=True, slots=True)
class Files:
    """Contents of the folder, whole and as they were written.

    name     the versioned name of the scorer, with the beginning of the hash of its weights
    shape    sizes of the network by name
    """

    name: str
    shape: Mapping[str, Any]
    weights: bytes
    tokenizer: str
    calibration: Mapping[str, Any]


def read_folder(folder: Path, pinned: Mapping[str, str] = MappingProxyType({})) -> Files:
    """Read and check the files; `pinned` are SHA-256 that hold whatever the manifest says.

    Raises ScorerError where a file is missing, altered, or made for another release.
    """
    manifest = _as_object(_read(folder, MANIFEST), folder / MANIFEST)
    version = manifest.get("features", FIRST_VERSION)
    if version != FEATURES_VERSION:
        raise ScorerError(
            f"the scorer in {folder} was trained on features of version {version}, and this release of contextprune "
            f"computes version {FEATURES_VERSION}: train it anew with this release, or install the one it was made with"
        )

    network = manifest.get("network", "")
    if network != SPANS:
        kind = f"the kind {network!r}" if network else "the first kind"
        raise ScorerError(
            f"the scorer in {folder} has a network of {kind}, which this release does not read: install the release "
            "that it was made with, or train it anew with this one (contextprune train)"
        )

    try:
        name, shape, digest = str(manifest["name"]), dict(manifest["shape"]), str(manifest["sha256"])
        digests: Mapping[str, str] = {WEIGHTS: digest, **manifest.get("files", {}), **pinned}
    except (KeyError, TypeError, ValueError) as exc:
        raise ScorerError(f"the scorer in {folder} does not fit this version: {MANIFEST} lacks {exc}") from exc

    raw = {file: _read(folder, file) for file in (WEIGHTS, TOKENIZER, CALIBRATION)}
    for file, content in raw.items():
        if sha256(content).hexdigest() != digests.get(file, sha256(content).hexdigest()):
            source = "this release ships" if pinned else f"{MANIFEST} names"
            raise ScorerError(f"{folder / file} is not the file that {source}: install it anew")
    return Files(
        name=f"{name}.{digest[:8]}",
        shape=shape,
        weights=raw[WEIGHTS],
        tokenizer=raw[TOKENIZER].decode("utf-8", "replace"),
        calibration=_as_object(raw[CALIBRATION], folder / CALIBRATION),
    )


def write_manifest(folder: Path, name: str, shape: Mapping[str, Any], network: str = SPANS) -> None:
    """Write `scorer.json` for the three other files, which are there; `network` is its kind, as in `Files`."""
    digests = {file: sha256((folder / file).read_bytes()).hexdigest() for file in (WEIGHTS, TOKENIZER, CALIBRATION)}
    manifest = {
        "name": name,
        "features": FEATURES_VERSION,
        "sha256": digests.pop(WEIGHTS),  # by itself, as releases read it that knew no other
        "files": digests,
        "shape": dict(shape),
        "network": network,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _as_object(raw: bytes, path: Path) -> Mapping[str, Any]:
    """The JSON object that a file holds; ScorerError where it holds none."""
    try:
        content: Mapping[str, Any] = json.loads(raw)
    except ValueError as exc:
        raise ScorerError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(content, dict):
        raise ScorerError(f"{path} holds no JSON object")
    return content


def _read(folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as exc:
        raise ScorerError(f"{folder} holds no whole scorer: {file} cannot be read ({exc.strerror})") from exc
