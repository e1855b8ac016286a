"""Nodes to documents and back. A node is copied before anything about it changes: stores hold the caller's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import BaseNode, ImageNode, Node, TextNode

import contextprune as cp

KEY = "contextprune"
"""Where the metadata of a pruned node says what was done to it; models and embeddings never see it."""


def is_text(node: BaseNode) -> bool:
    """Whether a node is text and nothing else: one that shows an image, sound or video stays as it is."""
    if isinstance(node, TextNode):
        return not isinstance(node, ImageNode)
    if not isinstance(node, Node) or node.text_resource is None:
        return False
    return node.image_resource is None and node.audio_resource is None and node.video_resource is None


def as_document(node: BaseNode, name: str, title_keys: Sequence[str]) -> cp.Document:
    """The bare text of a node under `name`; metadata that a template would print is no part of it."""
    titles = (node.metadata.get(key) for key in title_keys)
    title = next((title for title in titles if isinstance(title, str) and title), None)
    return cp.Document(text=node.get_content(), id=name, title=title)


def with_text(node: BaseNode, document: cp.Document, merged: Sequence[str]) -> BaseNode:
    """A copy of `node` with the text of `document`: id, relationships, embedding and all else are the node's own."""
    said = node.metadata.get(KEY)
    before = said.get("merged", []) if isinstance(said, dict) else []
    note = {
        "kept": [list(run) for run in document.kept],
        "merged": list(dict.fromkeys([*before, *merged])),
    }
    changed: dict[str, Any] = {
        "metadata": {**node.metadata, KEY: note},
        "excluded_llm_metadata_keys": _with_key(node.excluded_llm_metadata_keys),
        "excluded_embed_metadata_keys": _with_key(node.excluded_embed_metadata_keys),
        "relationships": dict(node.relationships),
    }
    if isinstance(node, Node):
        assert node.text_resource is not None
        changed["text_resource"] = node.text_resource.model_copy(update={"text": document.text})
    else:
        changed["text"] = document.text
    return node.model_copy(update=changed)


def _with_key(keys: Sequence[str]) -> list[str]:
    return [*keys] if KEY in keys else [*keys, KEY]
