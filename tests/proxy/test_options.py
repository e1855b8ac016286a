"""What the proxy can be told, and by which place; the later place wins."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from contextprune.errors import SettingsError
from contextprune.proxy.options import Options, is_loopback, load_options, trace_options, without_version
from contextprune.settings import load_settings


def own(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment in which the user's own file has this text."""
    file = tmp_path / "home" / ".config" / "contextprune" / "contextprune.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return {"HOME": str(tmp_path / "home")}


def test_without_a_file_a_variable_or_a_flag_the_defaults_hold(tmp_path: Path) -> None:
    assert load_options(folder=tmp_path, variables={}) == Options()
    assert load_options({"port": None, "mode": None}, folder=tmp_path, variables={}) == Options()


def test_the_file_gives_way_to_the_variable_and_the_variable_to_the_flag(tmp_path: Path) -> None:
    environ = own(tmp_path, '[serve]\nport = 1\nhost = "localhost"\nmode = "audit"\n')
    environ |= {"CONTEXTPRUNE_SERVE_PORT": "2", "CONTEXTPRUNE_SERVE_HOST": "::1"}
    options = load_options({"port": 3}, folder=tmp_path, variables=environ)
    assert (options.port, options.host, options.mode) == (3, "::1", "audit")


def test_every_option_is_read_from_a_file_and_from_a_variable(tmp_path: Path) -> None:
    changed: dict[str, Any] = {"upstreams": {"/groq": "https://api.groq.com/openai"}, "content": True, "mode": "off"}
    changed |= {"upstream_openai": "http://one", "upstream_anthropic": "http://two", "recall": "mcp"}
    changed |= {"host": "::1", "token": "secret", "admit": "all", "hosts": ("a.example", "b.example")}
    for field in fields(Options):
        if isinstance(field.default, int | float) and field.name not in changed:
            changed[field.name] = field.default + 1
    assert {field.name for field in fields(Options)} == {*changed, "config"}
    environ = {f"CONTEXTPRUNE_SERVE_{name.upper()}": str(value) for name, value in changed.items()}
    environ["CONTEXTPRUNE_SERVE_HOSTS"] = "a.example,b.example"
    environ["CONTEXTPRUNE_SERVE_UPSTREAMS"] = '{"/groq" = "https://api.groq.com/openai"}'
    assert load_options(folder=tmp_path, variables=environ) == Options(**changed)
    lines = [f"{name} = {_toml(value)}" for name, value in changed.items()]
    home = own(tmp_path, "[serve]\n" + "\n".join(lines))
    assert load_options(folder=tmp_path, variables=home) == Options(**changed)


def test_a_project_has_no_say_in_the_proxy(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.contextprune.serve]\nscorers = 4\nhost = '0.0.0.0'\n")
    assert load_options(folder=tmp_path, variables={}) == Options()
    (tmp_path / "contextprune.toml").write_text("[serve]\nupstream_anthropic = 'https://evil.example'\n")
    assert load_options(folder=tmp_path, variables={}) == Options()


def test_the_table_of_a_project_file_is_read_where_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.contextprune.serve]\nscorers = 4\n")
    assert load_options(config="pyproject.toml", folder=tmp_path, variables={}).scorers == 4


def test_each_option_that_is_not_the_default_says_where_it_was_set(tmp_path: Path) -> None:
    environ = own(tmp_path, "[serve]\nport = 1\nupstream_openai = 'http://a'\n")
    environ |= {"CONTEXTPRUNE_SERVE_UPSTREAM_ANTHROPIC": "http://b"}
    _, places = trace_options({"upstreams": {"/c": "http://c"}, "port": 2}, folder=tmp_path, variables=environ)
    file = tmp_path / "home" / ".config" / "contextprune" / "contextprune.toml"
    assert places == {
        "port": "--port",
        "upstream_openai": f"serve.upstream_openai in {file}",
        "upstream_anthropic": "CONTEXTPRUNE_SERVE_UPSTREAM_ANTHROPIC",
        "upstreams": "--upstream",
    }


def test_the_table_of_the_proxy_and_its_variables_do_not_disturb_the_other_settings(tmp_path: Path) -> None:
    home = own(tmp_path, "min_tokens = 9\n[serve]\nport = 1\nno_such_option = 1\n")
    assert load_settings(tmp_path, {**home, "CONTEXTPRUNE_SERVE_PORT": "2"}).policy.min_tokens == 9


def test_a_file_that_is_named_is_read_in_place_of_the_users_own(tmp_path: Path) -> None:
    home = own(tmp_path, "[serve]\nport = 1\nscorers = 7\n")
    (tmp_path / "other.toml").write_text("min_tokens = 5\n[serve]\nport = 2\n")
    options = load_options(config="other.toml", folder=tmp_path, variables=home)
    assert (options.port, options.scorers, options.config) == (2, Options().scorers, str(tmp_path / "other.toml"))
    assert load_settings(tmp_path, {}, Path(options.config)).policy.min_tokens == 5


def test_a_file_that_is_named_and_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml cannot be read: No such file"):
        load_options(config="absent.toml", folder=tmp_path, variables={})


def test_upstreams_given_by_flags_join_those_of_the_file(tmp_path: Path) -> None:
    home = own(tmp_path, '[serve.upstreams]\n"/a" = "http://a"\n"/b" = "http://b"\n')
    options = load_options({"upstreams": {"/b": "http://c/"}}, folder=tmp_path, variables=home)
    assert dict(options.upstreams) == {"/a": "http://a", "/b": "http://c"}


@pytest.mark.parametrize("url", ["https://host/v1", "https://host/v1/", "https://host/", " https://host"])
def test_a_base_url_may_end_as_sdks_write_it(url: str, tmp_path: Path) -> None:
    assert without_version(url) == "https://host"
    assert load_options({"upstream_openai": url}, folder=tmp_path, variables={}).upstream_openai == "https://host"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", 70_000, "port lies between 0 and 65535, not 70000"),
        ("port", -1, "port lies between"),
        ("host", "", "host is a name or an address"),
        ("mode", "dry", "mode is one of on, audit, off, not 'dry'"),
        ("recall", "on", "recall is one of off, tool, mcp, not 'on'"),
        ("deadline", 0.0, "deadline lies above 0, not 0.0"),
        ("deadline", float("nan"), "deadline lies above 0, not nan"),
        ("scorers", 0, "scorers lies above 0"),
        ("records", -1, "records is 0 or more, not -1"),
        ("upstream_openai", "api.openai.com", "upstream_openai is a URL such as https://api.openai.com"),
        ("upstream_openai", "ftp://host", "upstream_openai is a URL such as"),
        ("upstream_anthropic", "https://", "upstream_anthropic is a URL such as"),
        ("upstream_anthropic", "https://host:99999", "upstream_anthropic is a URL such as"),
        ("upstream_openai", "https://host?key=1", "without ? and #, not 'https://host'"),
        ("upstreams", {"groq": "https://host"}, "a prefix of upstreams is a path such as /groq, not 'groq'"),
        ("upstreams", {"/": "https://host"}, "a prefix of upstreams is a path"),
        ("upstreams", {"/a/../b": "https://host"}, "a prefix of upstreams is a path"),
        ("upstreams", {"/v1": "https://host"}, "'/v1' cannot lead to an upstream: the proxy itself answers under /v1"),
        ("upstreams", {"/stats/x": "https://host"}, "answers under /stats"),
        ("upstreams", {"/groq": "host"}, "upstreams: /groq is a URL"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        Options(**{name: value})


def test_a_credential_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="upstream_openai holds a credential") as caught:
        Options(upstream_openai="https://user:sesame@host")
    assert "sesame" not in str(caught.value)


def test_the_token_does_not_show() -> None:
    assert "sesame" not in repr(Options(token="sesame"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[serve]\nport = '80'", "serve.port in {file} is a whole number, not '80'"),
        ("[serve]\ncontent = 1", "serve.content in {file} is true or false, not 1"),
        ("[serve]\ndeadline = true", "serve.deadline in {file} is a number, not True"),
        ("[serve]\nupstreams = {'/a' = 1}", "serve.upstreams in {file} is a table of base URLs"),
        ("[serve]\nprot = 80", "no option of the proxy is called 'prot' (serve.prot in {file}); did you mean 'port'?"),
        ("[serve]\nmode = 'dry'", "not 'dry' (set by serve.mode in {file})"),
        ("[serve.upstreams]\n'/v1' = 'http://a'", "answers under /v1 (set by serve.upstreams in {file})"),
        ("serve = 3", "serve in {file} is a table, not 3"),
    ],
)
def test_an_error_says_where_the_value_stands(tmp_path: Path, text: str, message: str) -> None:
    home = own(tmp_path, text)
    file = tmp_path / "home" / ".config" / "contextprune" / "contextprune.toml"
    with pytest.raises(SettingsError, match=re.escape(message.format(file=file))):
        load_options(folder=tmp_path, variables=home)


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("PORT", "http", "CONTEXTPRUNE_SERVE_PORT is a whole number, not 'http'"),
        ("PROT", "80", "did you mean 'CONTEXTPRUNE_SERVE_PORT'?"),
        ("CONTENT", "perhaps", "CONTEXTPRUNE_SERVE_CONTENT is true or false, not 'perhaps'"),
        ("UPSTREAMS", "/groq=x", "CONTEXTPRUNE_SERVE_UPSTREAMS is a table of base URLs"),
        ("MODE", "dry", "(set by CONTEXTPRUNE_SERVE_MODE)"),
    ],
)
def test_an_error_names_the_variable(tmp_path: Path, variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_options(folder=tmp_path, variables={f"CONTEXTPRUNE_SERVE_{variable}": text})


def test_an_error_names_the_flag(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape("(set by --upstream-openai)")):
        load_options({"upstream_openai": "nowhere"}, folder=tmp_path, variables={})


def test_a_flag_wins_over_texts_as_over_anything_else(tmp_path: Path) -> None:
    variables = {"CONTEXTPRUNE_SERVE_HOST": "::1", "CONTEXTPRUNE_SERVE_TOKEN": "secret"}
    flags = {"host": "localhost", "deadline": 0.5}
    expected = Options(host="localhost", token="secret", deadline=0.5)
    assert load_options(flags, folder=tmp_path, variables=variables) == expected
    assert load_options(flags, folder=tmp_path, variables={**variables, "CONTEXTPRUNE_SERVE_PORT": "8788"}) == expected


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load_options(folder=tmp_path, variables={"CONTEXTPRUNE_SERVE_PORT": " "}) == Options()


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        *((host, True) for host in ("127.0.0.1", "127.8.0.1", "::1", "[::1]", "Localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "192.168.0.7", "box.example", "localhost.evil")),
    ],
)
def test_only_loopback_is_this_machine(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here
    assert Options(host=host).loopback is only_here


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = "{url}"' for key, url in value.items()) + "}"
    value = list(value) if isinstance(value, tuple) else value
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
