"""Forms of a URL's path: the endpoint that it means, and the path that the provider understands.

Clients are given base URLs with `/v1` and without it, with a slash at the end, and with a deployment in the middle.
Where a path means an endpoint that we know, it is put right; every other path keeps its bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

CHAT, RESPONSES, MESSAGES = b"/chat/completions", b"/responses", b"/messages"
RESPONSES_COUNT, MESSAGES_COUNT, COMPACT = b"/responses/input_tokens", b"/messages/count_tokens", b"/responses/compact"
ENDPOINTS = (CHAT, RESPONSES_COUNT, COMPACT, RESPONSES, MESSAGES_COUNT, MESSAGES)
"""Endpoints that are known, without their version. No one of them is the end of another one's path."""

VERSION = b"/v1"
_DOUBLED = re.compile(rb"(?:/v1)+(?=/v1(?:/|$))")
_MESSAGES_OF_A_THREAD = b"/threads/"  # /v1/threads/t/messages is another API's

RESOURCES = frozenset({
    b"assistants", b"audio", b"batches", b"chat", b"chatkit", b"complete", b"completions", b"containers",
    b"conversations", b"embeddings", b"evals", b"files", b"fine_tuning", b"images", b"messages", b"models",
    b"moderations", b"organization", b"organizations", b"realtime", b"responses", b"skills", b"threads", b"uploads",
    b"usage", b"vector_stores", b"videos",
})  # fmt: skip
"""First parts of the paths of OpenAI's and Anthropic's APIs, after the version."""

_WITHOUT_CONTEXT = frozenset({
    b"classify", b"detokenize", b"edits", b"embed", b"embeddings", b"generations", b"moderations", b"pooling",
    b"rerank", b"score", b"search", b"speech", b"tokenize", b"transcriptions", b"translations", b"variations",
})  # fmt: skip
"""Last parts of paths whose bodies may have an "input" that is no context of a model that writes."""


@dataclass(frozen=True, slots=True)
class Form:
    """One path, read.

    path       as the provider understands it; its very bytes where they need no mending
    endpoint   one of ENDPOINTS, b"" for any other path
    beginning  of an endpoint: what stands before it and its version, b"" where the endpoint is all
    versioned  it names the version, or needs none
    """

    path: bytes
    endpoint: bytes = b""
    beginning: bytes = b""
    versioned: bool = True

    @property
    def foreign(self) -> bool:
        """True where no API that we know has such a path, so that a context in its body is one that is missed."""
        if self.endpoint:
            return False
        parts = [part for part in tidy(self.path).split(b"/") if part]
        first, last = (parts[1:2] if parts[:1] == [b"v1"] else parts[:1]), parts[-1:]
        is_resource = first and first[0] in RESOURCES and (first[0] != b"models" or b":" not in self.path)
        return not is_resource and not (last and last[0] in _WITHOUT_CONTEXT)


def tidy(path: bytes) -> bytes:
    """A path without doubled slashes, slashes at its end and doubled versions."""
    single = re.sub(rb"/{2,}", b"/", path).rstrip(b"/")
    return _DOUBLED.sub(b"", single)


def climbs(path: bytes) -> bool:
    """True where a part of a path, percent-encoded or not, is "..": servers read it as the folder above."""
    return b".." in unquote_to_bytes(path).replace(b"\\", b"/").split(b"/")


def read_path(path: bytes, *, prefixed: bool = False) -> Form:
    """Read `path`; `prefixed`: what stands behind the prefix of an upstream, whose API may have no versions.

    The path of an endpoint is tidied; any other one loses only a doubled version.
    """
    tidied = tidy(path)
    for endpoint in ENDPOINTS:
        if not tidied.endswith(endpoint):
            continue
        before = tidied.removesuffix(endpoint)
        versioned = before.endswith(VERSION)
        beginning = before.removesuffix(VERSION) if versioned else before
        if endpoint == MESSAGES and not versioned and beginning and (not prefixed or _is_of_thread(tidied)):
            break
        return Form(tidied, endpoint, beginning, versioned=versioned or bool(beginning))
    start = _DOUBLED.match(path)
    single = path[start.end() :] if start else path
    first = single.split(b"/", 2)[1:2]
    return Form(single, versioned=not (first and first[0] in RESOURCES))


def _is_of_thread(path: bytes) -> bool:
    return _MESSAGES_OF_A_THREAD in path
