"""A folder of documents, read for a question: what each of them has for it, under its name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from contextprune import api
from contextprune.api import Compressed
from contextprune.context import Document
from contextprune.dialects.files import text_of
from contextprune.errors import ContextPruneError, PayloadError
from contextprune.policy import Budget
from contextprune.pruner import Pruner

MOST_BYTES = 64 << 20  # of all files together; more is work for an index, which finds the documents first


def compress_folder(
    folder: str, budget: Budget | None, query: str | None, pruner: Pruner, progress: Callable[[str], None]
) -> tuple[Compressed[str], dict[int, str]]:
    """The documents below `folder` with what they have for `query`, one after the other, and the text of each.

    Hidden files and folders, and files that are no text, are left out. Raises ContextPruneError without a query, where
    the folder holds no text, and where it holds too much.
    """
    if not query:
        raise ContextPruneError(f"{folder} is a folder of documents, which is read for a question: add --query")
    progress("reading")
    documents = list(_documents(Path(folder)))
    if not documents:
        raise ContextPruneError(f"{folder} holds no text files")

    progress(f"compressing {len(documents):,} documents")
    pruned = api.prune_documents(documents, query, budget, pruner)
    texts = {i: document.text for i, document in enumerate(pruned.documents)}
    shown = [f"==> {document.id} <==\n{document.text.rstrip()}\n" for document in pruned.documents if document.kept]
    return Compressed("\n".join(shown), pruned.report, pruned.plan), texts


def _documents(folder: Path) -> Iterator[Document]:
    size = 0
    for path in _files(folder):
        try:
            size += path.stat().st_size
            if size > MOST_BYTES:
                raise ContextPruneError(f"{folder} holds more than {MOST_BYTES >> 20} MiB: name a smaller folder")
            text = text_of(path.read_bytes())
        except PayloadError:
            continue  # no text
        except OSError as exc:
            raise ContextPruneError(f"{path} cannot be read: {exc.strerror}") from exc
        if text.strip():
            yield Document(text, id=path.relative_to(folder).as_posix())


def _files(folder: Path) -> Iterator[Path]:
    """The files below a folder in the order of their names; links to folders are not followed."""
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(directory, name)
            if not name.startswith(".") and path.is_file():
                yield path
