"""Keys, hosts and paths show whose they are, and what shows nothing is not judged."""

from __future__ import annotations

import pytest

from contextprune.proxy.wire.owners import (
    SETTINGS,
    Owner,
    owner_of_host,
    owner_of_path,
    owners_of_keys,
)

LEGACY = b"sk-" + b"a" * 20 + b"T3BlbkFJ" + b"b" * 20


@pytest.mark.parametrize(
    ("header", "owners"),
    [
        ((b"x-api-key", b"sk-ant-api03-x"), {Owner.ANTHROPIC}),
        ((b"authorization", b"Bearer sk-ant-oat01-x"), {Owner.ANTHROPIC}),
        ((b"authorization", b"bearer  sk-proj-x"), {Owner.OPENAI}),
        ((b"authorization", b"sk-svcacct-x"), {Owner.OPENAI}),
        ((b"authorization", b"Bearer " + LEGACY), {Owner.OPENAI}),
        ((b"x-api-key", b"sk-proj-x"), {Owner.OPENAI}),
        ((b"x-goog-api-key", b"anything"), {Owner.GOOGLE}),
        ((b"authorization", b"Bearer ya29.x"), {Owner.GOOGLE}),
        ((b"authorization", b"Bearer AIzaSyx"), {Owner.GOOGLE}),
        ((b"api-key", b"0123456789abcdef"), {Owner.AZURE}),
        ((b"api-key", b"sk-ant-x"), {Owner.AZURE, Owner.ANTHROPIC}),
        ((b"authorization", b"AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/bedrock/aws4_request"), {Owner.AWS}),
        ((b"authorization", b"Bearer ABSKQmVkcm9ja0FQSUtleS1x"), {Owner.AWS}),
        ((b"x-amz-date", b"20261130T000000Z"), {Owner.AWS}),
        ((b"x-amz-security-token", b"t"), {Owner.AWS}),
        ((b"authorization", b"Bearer gsk_x"), {Owner.GROQ}),
        ((b"authorization", b"Bearer sk-or-v1-x"), {Owner.OPENROUTER}),
        ((b"authorization", b"Bearer sk-1234"), set()),
        ((b"authorization", b"Bearer eyJhbGciOi.x.y"), set()),
        ((b"x-api-key", b"k"), set()),
        ((b"x-goog-api-key", b" "), set()),
        ((b"x-amz-cf-id", b"put there by an edge"), set()),
        ((b"x-amzn-trace-id", b"put there by a balancer"), set()),
        ((b"user-agent", b"sk-ant-x"), set()),
    ],
)
def test_a_header_shows_whose_key_it_is(header: tuple[bytes, bytes], owners: set[Owner]) -> None:
    assert owners_of_keys([header], b"") == owners


@pytest.mark.parametrize(
    ("query", "owners"),
    [
        (b"key=AIzaSyx", {Owner.GOOGLE}),
        (b"alt=sse&%6Bey=AIzaSyx", {Owner.GOOGLE}),
        (b"access_token=ya29.x", {Owner.GOOGLE}),
        (b"X-Amz-Signature=0a&X-Amz-Date=x", {Owner.AWS}),
        (b"api-version=2026-06-01&beta=true", set()),
        (b"key=name&limit=2", set()),
        (b"", set()),
    ],
)
def test_a_query_shows_whose_key_it_is(query: bytes, owners: set[Owner]) -> None:
    assert owners_of_keys([], query) == owners


def test_every_credential_counts_also_one_that_comes_twice() -> None:
    headers = [(b"authorization", b"Bearer sk-proj-x"), (b"authorization", b"Bearer sk-ant-x")]
    assert owners_of_keys(headers, b"") == {Owner.OPENAI, Owner.ANTHROPIC}


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        (b"api.openai.com", Owner.OPENAI),
        (b"EU.API.OpenAI.com.", Owner.OPENAI),
        (b"me.openai.azure.com", Owner.AZURE),
        (b"us-east5-aiplatform.googleapis.com", Owner.GOOGLE),
        (b"bedrock-runtime.us-west-2.amazonaws.com", Owner.AWS),
        (b"api.openai.com.evil.example", None),
        (b"evilapi.openai.com.example", None),
        (b"notapi.anthropic.com", None),
        (b"127.0.0.1", None),
    ],
)
def test_a_host_shows_its_provider(host: bytes, owner: Owner | None) -> None:
    assert owner_of_host(host) is owner


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        (b"/v1beta/models/gemini-3-pro:generateContent", Owner.GOOGLE),
        (b"//v1beta//models/gemini-3-pro:streamGenerateContent", Owner.GOOGLE),
        (b"/v1/models/gemini-3-pro:streamGenerateContent", Owner.GOOGLE),
        (b"/v1/models/gemini-3-pro%3AgenerateContent", Owner.GOOGLE),
        (b"/%761beta/models", Owner.GOOGLE),
        (b"/v1beta/openai/chat/completions", Owner.GOOGLE),
        (b"/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict", Owner.GOOGLE),
        (b"/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict", Owner.GOOGLE),
        (b"/v1internal:generateContent", Owner.GOOGLE),
        (b"/upload/v1beta/files", Owner.GOOGLE),
        (b"/model/anthropic.claude-v1%3A0/converse-stream", Owner.AWS),
        (b"/model/m/invoke-with-response-stream", Owner.AWS),
        (b"/openai/deployments/d/chat/completions", Owner.AZURE),
        (b"/openai/v1/responses", Owner.AZURE),
        (b"/v1/models/ft:gpt-6:org::id", None),
        (b"/v1/organization/projects", None),
        (b"/v1/chat/completions", None),
        (b"/v1/messages", None),
        (b"/api/chat", None),
        (b"/", None),
    ],
)
def test_a_path_shows_whose_api_it_is(path: bytes, owner: Owner | None) -> None:
    assert owner_of_path(path) is owner


def test_there_is_a_setting_that_leads_to_every_provider() -> None:
    assert set(SETTINGS) == set(Owner)
