"""Where settings come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import PROTECTED, Policy, Rule
from contextprune.settings import Settings, data_folder, load_settings


def test_without_a_file_or_a_variable_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == Settings()
    assert Settings().policy.protect == PROTECTED


def test_every_variable_is_read(tmp_path: Path) -> None:
    environ = {
        "CONTEXTPRUNE_SCORER": "lexical",
        "CONTEXTPRUNE_STORE": "memory",
        "CONTEXTPRUNE_TOKENIZER": "estimate",
        "CONTEXTPRUNE_DEVICE": "cpu",
        "CONTEXTPRUNE_RECALL": "0.9",
        "CONTEXTPRUNE_RECENT_TURNS": "3",
        "CONTEXTPRUNE_MIN_TOKENS": "50",
        "CONTEXTPRUNE_EXCLUDE_TOOLS": "read_file, grep",
        "CONTEXTPRUNE_PROTECT": "system,user",
        "CONTEXTPRUNE_HIGH_WATER": "0.7",
        "CONTEXTPRUNE_LOW_WATER": "0.3",
        "HOME": "/home/someone",
    }
    policy = Policy(0.9, frozenset({Kind.SYSTEM, Kind.USER}), 3, 50, ("read_file", "grep"), 0.7, 0.3)
    assert load_settings(tmp_path, environ) == Settings("lexical", "memory", "estimate", "cpu", policy)


def test_own_prices_are_read_and_those_left_out_are_the_price_of_input(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text("[tariffs.mine]\ninput = 3.0\nread = 0.3\n[tariffs.local]\ninput = 0\n")
    assert load_settings(tmp_path, {}).policy.tariffs == {
        "mine": Tariff("mine", 3.0, 0.3, 3.0), "local": Tariff("local", 0, 0, 0)
    }  # fmt: skip
    environ = {"CONTEXTPRUNE_TARIFFS": "{mine = {input = 2, read = 1, write = 4, output = 9, least = 0}}"}
    assert load_settings(tmp_path, environ).policy.tariffs == {"mine": Tariff("mine", 2, 1, 4, 9, 0)}


@pytest.mark.parametrize(
    "table", ["3", "{read = 1}", "{input = 1, reed = 1}", '{input = "1"}', "{input = -1}", "{input = true}"]
)
def test_prices_that_make_no_sense_are_refused(tmp_path: Path, table: str) -> None:
    with pytest.raises(SettingsError, match="CONTEXTPRUNE_TARIFFS: mine"):
        load_settings(tmp_path, {"CONTEXTPRUNE_TARIFFS": f"{{mine = {table}}}"})


def test_the_settings_of_sessions_are_read(tmp_path: Path) -> None:
    environ = {
        "CONTEXTPRUNE_WINDOW": "32000",
        "CONTEXTPRUNE_EPOCHS": "off",
        "CONTEXTPRUNE_SHORTEN_VIEWS": "Yes",
        "CONTEXTPRUNE_IMAGES": "1",
        "CONTEXTPRUNE_PRICES": "openai",
    }
    expected = Policy(window=32_000, epochs=False, shorten_views=True, images=1, prices="openai")
    assert load_settings(tmp_path, environ).policy == expected
    (tmp_path / "contextprune.toml").write_text(
        'window = 32000\nepochs = false\nshorten_views = true\nimages = 1\nprices = "openai"\n'
    )
    assert load_settings(tmp_path, {}).policy == expected


def test_rules_for_tools_are_read_in_order(tmp_path: Path) -> None:
    expected = {"read_*": Rule(recall=1.0), "search": Rule(0.7, 50), "*": Rule()}
    (tmp_path / "contextprune.toml").write_text(
        '[tools]\n"read_*" = {recall = 1}\nsearch = {recall = 0.7, min_tokens = 50}\n"*" = {}\n'
    )
    policy = load_settings(tmp_path, {}).policy
    assert list(policy.tools.items()) == list(expected.items())
    environ = {"CONTEXTPRUNE_TOOLS": '{"read_*" = {recall = 1.0}, search = {recall = 0.7, min_tokens = 50}, "*" = {}}'}
    assert load_settings(tmp_path, environ).policy == policy


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("3", "(?i)tools.*: search is a table with recall and min_tokens, not 3"),
        ("{recal = 1}", "is a table with recall and min_tokens"),
        ('{recall = "much"}', "are numbers"),
        ("{recall = true}", "are numbers"),
        ("{recall = 0}", "recall lies above 0"),
        ("{min_tokens = -1}", "min_tokens is 0 or more"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    (tmp_path / "contextprune.toml").write_text(f"[tools]\nsearch = {rule}\n")
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {})
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {"HOME": "/", "CONTEXTPRUNE_TOOLS": f"{{search = {rule}}}"})


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text('scorer = "lexical"\nrecall = 0.8\nmin_tokens = 9\n')
    got = load_settings(tmp_path, {"CONTEXTPRUNE_RECALL": "0.7"})
    assert (got.scorer, got.policy.recall, got.policy.min_tokens, got.device) == ("lexical", 0.7, 9, "auto")


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text("recall = 0.8\n")
    assert load_settings(tmp_path, {"CONTEXTPRUNE_RECALL": " "}).policy.recall == 0.8


def test_the_nearest_file_wins_whole(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "contextprune.toml").write_text("recall = 0.8\nmin_tokens = 9\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.contextprune]\nrecall = 0.7\n")
    (inner / "pyproject.toml").write_text("[tool.other]\nrecall = 0.1\n")
    policy = load_settings(inner, {}).policy
    assert (policy.recall, policy.min_tokens) == (0.7, Policy().min_tokens)


def test_our_own_file_wins_over_pyproject_in_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text("recall = 0.8\n")
    (tmp_path / "pyproject.toml").write_text("[tool.contextprune]\nrecall = 0.7\n")
    assert load_settings(tmp_path, {}).policy.recall == 0.8


def test_a_relative_path_in_a_file_starts_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "contextprune.toml").write_text('store = "./originals.sqlite3"\nscorer = "lexical"\n')
    got = load_settings(tmp_path / "inner", {})
    assert (got.store, got.scorer) == (str(tmp_path / "originals.sqlite3"), "lexical")


def test_a_broken_file_that_never_names_us_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert load_settings(tmp_path, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recal = 0.9", "no setting is called 'recal' .*contextprune.toml.* did you mean 'recall'"),
        ('recall = "0.9"', "recall in .*contextprune.toml is a number, not '0.9'"),
        ("recent_turns = true", "recent_turns in .* is a whole number, not True"),
        ("min_tokens = 1.5", "min_tokens in .* is a whole number"),
        ("scorer = 3", "scorer in .* is a text, not 3"),
        ("exclude_tools = [1]", "exclude_tools in .* is a list of names"),
        ('protect = ["usr"]', "protect in .*: no kind is called 'usr'; did you mean 'user'"),
        ("recall = 2", "not 2.0 .set by recall in .*contextprune.toml"),
        ("recall = ", "contextprune.toml is not valid TOML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_where_it_makes_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "contextprune.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("CONTEXTPRUNE_SCORRER", "x", "'CONTEXTPRUNE_SCORRER' .* did you mean 'CONTEXTPRUNE_SCORER'"),
        ("CONTEXTPRUNE_RECALL", "much", "CONTEXTPRUNE_RECALL is a number, not 'much'"),
        ("CONTEXTPRUNE_RECALL", "nan", "recall lies above 0 .*CONTEXTPRUNE_RECALL"),
        ("CONTEXTPRUNE_EPOCHS", "maybe", "CONTEXTPRUNE_EPOCHS is true or false, not 'maybe'"),
        ("CONTEXTPRUNE_WINDOW", "0", "window is a number of tokens above 0"),
        ("CONTEXTPRUNE_TOOLS", "search", "CONTEXTPRUNE_TOOLS is a table, not 'search'"),
        ("CONTEXTPRUNE_MIN_TOKENS", "1.5", "CONTEXTPRUNE_MIN_TOKENS is a whole number"),
        ("CONTEXTPRUNE_PROTECT", "toolresult", "CONTEXTPRUNE_PROTECT: .* did you mean 'tool_result'"),
    ],
)
def test_a_variable_that_makes_no_sense_is_refused_by_name(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {variable: value})


def test_the_working_folder_and_the_environment_are_read_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONTEXTPRUNE_MIN_TOKENS", "7")
    (tmp_path / "contextprune.toml").write_text("recent_turns = 5\n")
    policy = load_settings().policy
    assert (policy.min_tokens, policy.recent_turns) == (7, 5)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"HOME": "/home/x"}, "/home/x/.local/share/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_DATA_HOME": "/data"}, "/data/contextprune"),
        ("linux", {"HOME": "/home/x", "XDG_DATA_HOME": "relative"}, "/home/x/.local/share/contextprune"),
        ("darwin", {"HOME": "/Users/x"}, "/Users/x/Library/Application Support/contextprune"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/contextprune"),
    ],
)
def test_each_platform_has_its_data_folder(platform: str, environ: dict[str, str], expected: str) -> None:
    assert data_folder(environ, platform) == Path(expected)
