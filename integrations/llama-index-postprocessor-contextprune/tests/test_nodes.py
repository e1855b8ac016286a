from __future__ import annotations

from llama_index.core.schema import (
    Document,
    ImageNode,
    MediaResource,
    Node,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)

import contextprune as cp
from llama_index.postprocessor.contextprune.nodes import KEY, as_document, is_text, with_text

KEPT = cp.Document(text="short […]", kept=((0, 5),))


def test_text_nodes_and_documents_are_text() -> None:
    assert is_text(TextNode(text="a"))
    assert is_text(Document(text="a"))
    assert is_text(Node(text_resource=MediaResource(text="a")))


def test_nodes_that_show_something_are_not_text() -> None:
    media = MediaResource(data=b"x")
    text = MediaResource(text="a")
    assert not is_text(ImageNode(text="a"))
    assert not is_text(Node(text_resource=text, image_resource=media))
    assert not is_text(Node(text_resource=text, audio_resource=media))
    assert not is_text(Node(text_resource=text, video_resource=media))
    assert not is_text(Node())


def test_the_first_title_that_is_a_text_counts() -> None:
    node = TextNode(text="a", metadata={"title": 7, "document_title": "Seven", "file_path": "x"})
    assert as_document(node, "0", ["title", "document_title"]).title == "Seven"
    assert as_document(node, "0", []).title is None


def test_a_rewritten_node_shares_nothing_that_it_changes() -> None:
    source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id="s")}
    node = TextNode(text="short and long", metadata={"a": 1}, embedding=[1.0], relationships=source)
    before = node.model_dump()
    new = with_text(node, KEPT, ["other"])
    new.metadata["b"] = 2
    new.excluded_llm_metadata_keys.append("b")
    new.relationships.clear()
    assert node.model_dump() == before
    assert new.metadata[KEY] == {"kept": [[0, 5]], "merged": ["other"]}
    assert (new.node_id, new.embedding, new.get_content()) == (node.node_id, [1.0], "short […]")


def test_what_was_merged_before_stays_named() -> None:
    once = with_text(TextNode(text="short and long"), KEPT, ["a", "b"])
    twice = with_text(once, KEPT, ["b", "c"])
    assert twice.metadata[KEY]["merged"] == ["a", "b", "c"]
    assert twice.excluded_llm_metadata_keys == [KEY]
