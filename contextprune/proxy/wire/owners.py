"""Owners of keys, hosts and paths: the provider that each shows by its form.

A key that shows its owner is sent to no other; a path that shows another API than that of an upstream does not lead
there. The forms are those of the providers' own documentation, November 2026. What shows no owner is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

from contextprune.proxy.wire.credentials import CREDENTIALS
from contextprune.proxy.wire.headers import Headers


class Owner(StrEnum):
    """Provider whose key, host or path it is."""

    OPENAI = "OpenAI"
    ANTHROPIC = "Anthropic"
    AZURE = "Azure"
    GOOGLE = "Google"
    AWS = "AWS"
    OPENROUTER = "OpenRouter"
    GROQ = "Groq"
    XAI = "xAI"
    HUGGING_FACE = "Hugging Face"
    PERPLEXITY = "Perplexity"


RESOLD = frozenset({Owner.OPENROUTER, Owner.GROQ, Owner.XAI, Owner.HUGGING_FACE, Owner.PERPLEXITY})
"""Providers with OpenAI's API: their keys go to any address that is not known to be another provider's."""

_HOSTS: Mapping[bytes, Owner] = {  # a host, or the end of one
    b"api.openai.com": Owner.OPENAI,
    b"api.anthropic.com": Owner.ANTHROPIC,
    b"openai.azure.com": Owner.AZURE,
    b"cognitiveservices.azure.com": Owner.AZURE,
    b"services.ai.azure.com": Owner.AZURE,
    b"models.ai.azure.com": Owner.AZURE,
    b"azure-api.net": Owner.AZURE,
    b"googleapis.com": Owner.GOOGLE,
    b"amazonaws.com": Owner.AWS,
    b"api.aws": Owner.AWS,
    b"openrouter.ai": Owner.OPENROUTER,
    b"api.groq.com": Owner.GROQ,
    b"api.x.ai": Owner.XAI,
    b"huggingface.co": Owner.HUGGING_FACE,
    b"api.perplexity.ai": Owner.PERPLEXITY,
}
_KEYS: Mapping[bytes, Owner] = {  # what a key begins with
    b"sk-ant-": Owner.ANTHROPIC,
    b"sk-proj-": Owner.OPENAI,
    b"sk-svcacct-": Owner.OPENAI,
    b"sk-admin-": Owner.OPENAI,
    b"sk-or-": Owner.OPENROUTER,
    b"gsk_": Owner.GROQ,
    b"xai-": Owner.XAI,
    b"hf_": Owner.HUGGING_FACE,
    b"pplx-": Owner.PERPLEXITY,
    b"AIza": Owner.GOOGLE,
    b"AQ.": Owner.GOOGLE,
    b"ya29.": Owner.GOOGLE,
    b"ABSK": Owner.AWS,
    b"bedrock-api-key-": Owner.AWS,
}
_OLD_OPENAI = re.compile(rb"sk-(?:None-)?\w{20}T3BlbkFJ")  # keys of accounts before there were projects
_HEADERS: Mapping[bytes, Owner] = {b"api-key": Owner.AZURE, b"x-goog-api-key": Owner.GOOGLE}  # whatever their value
_SIGNED = b"AWS4-"  # AWS4-HMAC-SHA256, AWS4-ECDSA-P256-SHA256
_AMAZON, _CLOUDFRONT = b"x-amz-", b"x-amz-cf-"  # the second is put on requests by an edge

_PATHS: tuple[tuple[re.Pattern[bytes], Owner], ...] = (
    (re.compile(rb"/(?:upload/)?v1(?:alpha|beta)\d*(?:/|$)|/v1internal:"), Owner.GOOGLE),
    (re.compile(rb"/v\d\w*/(?:projects|publishers)/"), Owner.GOOGLE),
    (re.compile(rb".*:(?:stream)?(?:generateContent|rawPredict|predict)$", re.IGNORECASE), Owner.GOOGLE),
    (re.compile(rb".*:(?:(?:batch)?embedContents?|countTokens|generateAnswer|predictLongRunning)$"), Owner.GOOGLE),
    (re.compile(rb"/model/.+/(?:converse|invoke|count-tokens)|/guardrail/.+/apply$"), Owner.AWS),
    (re.compile(rb"/openai/"), Owner.AZURE),
)


class Setting(NamedTuple):
    """Way to a provider: a setting that leads there, and what there is to know of it, "" for nothing."""

    flag: str
    note: str = ""


_AMAZONS_NOTE = (
    "; a request that is signed for AWS cannot be relayed, as its signature covers the host: use a Bedrock API key "
    "(AWS_BEARER_TOKEN_BEDROCK) there, or send it to AWS directly"
)
SETTINGS: Mapping[Owner, Setting] = {
    Owner.OPENAI: Setting("--upstream /openai-api=https://api.openai.com"),
    Owner.ANTHROPIC: Setting("--upstream /anthropic=https://api.anthropic.com"),
    Owner.AZURE: Setting("--upstream-openai https://RESOURCE.openai.azure.com"),
    Owner.GOOGLE: Setting("--upstream /gemini=https://generativelanguage.googleapis.com"),
    Owner.AWS: Setting("--upstream /bedrock=https://bedrock-runtime.REGION.amazonaws.com", _AMAZONS_NOTE),
    Owner.OPENROUTER: Setting("--upstream /openrouter=https://openrouter.ai/api"),
    Owner.GROQ: Setting("--upstream /groq=https://api.groq.com/openai"),
    Owner.XAI: Setting("--upstream /xai=https://api.x.ai"),
    Owner.HUGGING_FACE: Setting("--upstream /hf=https://router.huggingface.co"),
    Owner.PERPLEXITY: Setting("--upstream /perplexity=https://api.perplexity.ai"),
}
"""The setting that would route requests of each."""


def owner_of_host(host: bytes) -> Owner | None:
    """The provider that a host is of; None for one that is not known, such as a gateway's or this machine's."""
    name = host.lower().rstrip(b".")
    return next((owner for end, owner in _HOSTS.items() if name == end or name.endswith(b"." + end)), None)


def owner_of_path(path: bytes) -> Owner | None:
    """The provider whose API alone has such a path, percent-encoded or not; None where it shows none."""
    plain = unquote_to_bytes(re.sub(rb"/{2,}", b"/", path)).rstrip(b"/")
    return next((owner for form, owner in _PATHS if form.match(plain)), None)


def owners_of_keys(headers: Headers, query: bytes) -> frozenset[Owner]:
    """The providers that the credentials of a request show themselves to be of: every one of them counts."""
    return frozenset((*_in_headers(headers), *_in_query(query)))


def _in_headers(headers: Headers) -> Iterable[Owner]:
    for name, value in headers:
        if name.startswith(_AMAZON) and not name.startswith(_CLOUDFRONT):
            yield Owner.AWS
        if name not in CREDENTIALS or not value.strip():
            continue
        if name in _HEADERS:
            yield _HEADERS[name]
        for word in value.split():  # the scheme, if any, and the key
            if (owner := _owner_of_key(word)) is not None:
                yield owner


def _in_query(query: bytes) -> Iterable[Owner]:
    if b"=" not in query:
        return
    for name, value in parse_qsl(query.decode("latin-1"), max_num_fields=None):
        lower = name.lower()
        if lower.startswith(_AMAZON.decode()):  # a presigned URL
            yield Owner.AWS
        elif lower in ("key", "access_token", "api_key", "api-key") and (
            owner := _owner_of_key(value.encode("latin-1", "replace"))
        ):
            yield owner


def _owner_of_key(key: bytes) -> Owner | None:
    if key.startswith(_SIGNED):
        return Owner.AWS
    if _OLD_OPENAI.match(key):
        return Owner.OPENAI
    return next((owner for start, owner in _KEYS.items() if key.startswith(start)), None)
