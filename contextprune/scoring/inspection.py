"""Inspection of a cross-encoder's folder before a library reads it: no file in it may name code to be run.

The libraries have switches of their own against that (`trust_remote_code`), which in some versions held for downloaded
models only. A folder can come with a repository, so nothing is left to them: code may be theirs and torch's alone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from contextprune.errors import ScorerError

_LARGE = ("tokenizer.json", "vocab.json")  # tables of words, which no library takes code from
_MODULE = re.compile(r"sentence_transformers(\.[a-zA-Z_]\w*)+", re.ASCII)
_ACTIVATION = re.compile(r"torch\.nn\.(modules\.[a-z_]+\.)?[A-Z]\w*", re.ASCII)
_ADAPTER = "adapter_config.json"

Allowed = Callable[[Any], bool]


def inspect_folder(folder: Path) -> None:
    """Raise ScorerError where a file of a cross-encoder names code, weights that are pickled, or another folder."""
    for path in _files(folder):
        name = path.name.lower()  # some file systems make no difference
        if name == _ADAPTER:
            raise ScorerError(f"{path} names a model in another place, which cannot be inspected: merge the adapter")
        content = _content(path)
        for key, value in _pairs(content):
            if key in _ALLOWED and not _ALLOWED[key](value):
                raise ScorerError(
                    f"{path} is refused, because {key!r} can make a library run code: {value!r:.200}. If the model "
                    "does without, take it out of the file"
                )
        if name == "modules.json":
            _check_modules(path, content)
        elif name.endswith(".safetensors.index.json"):
            _check_index(path, content)


def _files(folder: Path) -> Iterator[Path]:
    """The JSON files of a folder and of those below it, by links as well, each folder once."""
    visited: set[str] = set()
    for directory, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(directory)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        texts = (name for name in sorted(names) if name.lower().endswith(".json") and name.lower() not in _LARGE)
        yield from (path for path in (Path(directory, name) for name in texts) if path.is_file())


def _content(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ScorerError(f"{path} cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise ScorerError(f"{path} is no usable JSON: {exc}") from exc


def _pairs(content: Any) -> Iterator[tuple[str, Any]]:
    """All keys of all objects with their values, at any depth."""
    pending = [content]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield from value.items()
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def _check_modules(path: Path, content: Any) -> None:
    """The parts of a model: their classes are the library's own, and their files lie in the folder, as safetensors."""
    for part in content if isinstance(content, list) else [content]:
        kind, subfolder = (part.get("type"), part.get("path", "")) if isinstance(part, dict) else (part, "")
        if not isinstance(kind, str) or not _MODULE.fullmatch(kind):
            raise ScorerError(f"{path} is refused: {kind!r:.200} is no class of sentence_transformers")
        if not isinstance(subfolder, str) or not _is_below(subfolder):
            raise ScorerError(f"{path} is refused: it names another folder, {subfolder!r:.200}")
        below = path.parent / subfolder
        if (
            subfolder
            and next(below.glob("*.bin"), None) is not None
            and next(below.glob("*.safetensors"), None) is None
        ):
            raise ScorerError(f"{below} is refused: its weights are pickled, which can run code, and no safetensors")


def _check_index(path: Path, content: Any) -> None:
    """The files that large weights are spread over: safetensors, and in the same folder."""
    files = content.get("weight_map") if isinstance(content, dict) else None
    for name in files.values() if isinstance(files, dict) else ():
        if not _is_shard(name):
            raise ScorerError(f"{path} is refused: it names {name!r:.200}, and only *.safetensors beside it are read")


def _is_shard(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and not {"/", "\\"} & set(name)


def _is_below(path: str) -> bool:
    """Whether a path leads no further up, in the notation of any system."""
    kinds = (PurePosixPath(path), PureWindowsPath(path))
    return not any(kind.is_absolute() or kind.drive or kind.root or ".." in kind.parts for kind in kinds)


def _is_empty(value: Any) -> bool:
    return not value


def _is_on(value: Any) -> bool:
    return value is None or value is True


def _is_activation(value: Any) -> bool:
    """A name that transformers knows, such as gelu_new, or a class of torch."""
    return value is None or (isinstance(value, str) and ("." not in value or bool(_ACTIVATION.fullmatch(value))))


def _is_class(value: Any) -> bool:
    """A name that transformers knows, such as BertTokenizer, or a class of sentence-transformers."""
    return value is None or (isinstance(value, str) and ("." not in value or bool(_MODULE.fullmatch(value))))


def _are_classes(value: Any) -> bool:
    return not isinstance(value, dict) or all(_is_class(name) for name in value.values())


def _is_built_in(value: Any) -> bool:
    """An implementation that comes with torch; all others can be fetched from a hub, as code."""
    return value in (None, "eager", "sdpa")


_ALLOWED: Mapping[str, Allowed] = {
    "auto_map": _is_empty, "auto_mapping": _is_empty, "custom_pipelines": _is_empty, "trust_remote_code": _is_empty,
    "gguf_file": _is_empty,
    "weights_only": _is_on, "use_safetensors": _is_on,
    "activation_fn": _is_activation, "activation_function": _is_activation,
    "sbert_ce_default_activation_function": _is_activation,
    "tokenizer_class": _is_class, "types": _are_classes,
    "attn_implementation": _is_built_in, "_attn_implementation": _is_built_in,
    "_attn_implementation_internal": _is_built_in, "experts_implementation": _is_built_in,
    "_experts_implementation": _is_built_in, "_experts_implementation_internal": _is_built_in,
}  # fmt: skip
"""The keys by which a file can name code or loosen a switch, and the values that do neither."""
