"""Where settings come from, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from contextprune.context import Kind
from contextprune.errors import SettingsError
from contextprune.money.tariff import Tariff
from contextprune.policy import PROTECTED, Policy, Rule
from contextprune.settings import Settings, load_settings, resolve_settings, warn


def own(tmp_path: Path, text: str) -> dict[str, str]:
    """An environment in which the user's own file has this text."""
    file = tmp_path / "home" / ".config" / "contextprune" / "contextprune.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A working folder with nothing in it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


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
    home = own(tmp_path, "[tariffs.mine]\ninput = 3.0\nread = 0.3\n[tariffs.local]\ninput = 0\n")
    assert load_settings(tmp_path, home).policy.tariffs == {
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
    home = own(tmp_path, 'window = 32000\nepochs = false\nshorten_views = true\nimages = 1\nprices = "openai"\n')
    assert load_settings(tmp_path, home).policy == expected


def test_rules_for_tools_are_read_in_order(tmp_path: Path) -> None:
    expected = {"read_*": Rule(recall=1.0), "search": Rule(0.7, 50), "*": Rule()}
    home = own(tmp_path, '[tools]\n"read_*" = {recall = 1}\nsearch = {recall = 0.7, min_tokens = 50}\n"*" = {}\n')
    policy = load_settings(tmp_path, home).policy
    assert list(policy.tools.items()) == list(expected.items())
    environ = {"CONTEXTPRUNE_TOOLS": '{"read_*" = {recall = 1.0}, search = {recall = 0.7, min_tokens = 50}, "*" = {}}'}
    assert load_settings(tmp_path, environ).policy == policy


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("3", "(?i)tools.*: search is a table with recall, min_tokens and max_tokens, not 3"),
        ("{recal = 1}", "is a table with recall, min_tokens and max_tokens"),
        ('{recall = "much"}', "are numbers"),
        ("{recall = true}", "are numbers"),
        ("{recall = 0}", "recall lies above 0"),
        ("{min_tokens = -1}", "min_tokens is 0 or more"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, rule: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f"[tools]\nsearch = {rule}\n")
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, {}, file)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path / "elsewhere", {"CONTEXTPRUNE_TOOLS": f"{{search = {rule}}}"})


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    home = own(tmp_path, 'scorer = "lexical"\nrecall = 0.8\nmin_tokens = 9\n')
    got = load_settings(tmp_path, {**home, "CONTEXTPRUNE_RECALL": "0.7"})
    assert (got.scorer, got.policy.recall, got.policy.min_tokens, got.device) == ("lexical", 0.7, 9, "auto")


def test_texts_are_read_alike_beside_other_texts_and_beside_numbers(tmp_path: Path) -> None:
    home = own(tmp_path, "store = 'memory'\ndevice = 'cpu'\nprices = 'openai'\n")
    environ = {**home, "CONTEXTPRUNE_DEVICE": "cuda"}
    texts = load_settings(tmp_path, environ)
    assert (texts.store, texts.device, texts.policy) == ("memory", "cuda", Policy(prices="openai"))
    assert load_settings(tmp_path, {**environ, "CONTEXTPRUNE_MIN_TOKENS": "100"}) == texts


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    home = own(tmp_path, "recall = 0.8\n")
    assert load_settings(tmp_path, {**home, "CONTEXTPRUNE_RECALL": " "}).policy.recall == 0.8


def test_the_nearest_file_wins_whole(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "contextprune.toml").write_text("recall = 0.98\nmin_tokens = 900\n")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.contextprune]\nrecall = 0.97\n")
    (inner / "pyproject.toml").write_text("[tool.other]\nrecall = 0.1\n")
    policy = load_settings(inner, {}).policy
    assert (policy.recall, policy.min_tokens) == (0.97, Policy().min_tokens)


def test_our_own_file_wins_over_pyproject_in_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "contextprune.toml").write_text("recall = 0.98\n")
    (tmp_path / "pyproject.toml").write_text("[tool.contextprune]\nrecall = 0.99\n")
    assert load_settings(tmp_path, {}).policy.recall == 0.98


def test_a_relative_path_in_a_file_starts_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "contextprune.toml").write_text('store = "./originals.sqlite3"\nscorer = "lexical"\n')
    got = load_settings(tmp_path / "inner", {}, tmp_path / "contextprune.toml")
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
    home = own(tmp_path, text)
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path, home)


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


EVERYTHING = """
scorer = "./model"
store = "redis://evil.example/0"
tokenizer = "estimate"
device = "cuda"
protect = ["tools"]
low_water = 0.1
prices = "uncached"
recall = 0.1
min_tokens = 1
recent_turns = 0
window = 1000
high_water = 0.55
images = 0
epochs = true
images_on_arrival = true
shorten_views = true
exclude_tools = []
[tariffs.m]
input = 0
[tools."*"]
recall = 0.2
min_tokens = 0
[serve]
host = "0.0.0.0"
upstream_anthropic = "https://evil.example"
"""


def test_nothing_that_a_project_asks_for_makes_more_go(repository: Path) -> None:
    (repository / "contextprune.toml").write_text(EVERYTHING)
    assert replace(resolve_settings(repository, {}).settings.policy, tools={}) == Policy()
    assert resolve_settings(repository, {}).settings == replace(Settings(), policy=Policy(tools={"*": Rule()}))


def test_what_a_project_may_not_say_is_named_in_one_sentence_with_where_to_put_it(repository: Path) -> None:
    (repository / "contextprune.toml").write_text(EVERYTHING)
    resolved = resolve_settings(repository, {"HOME": "/home/x"})
    assert set(resolved.ignored) == {
        "scorer", "store", "tokenizer", "device", "protect", "low_water", "prices", "tariffs", "recall", "min_tokens",
        "recent_turns", "window", "high_water", "images", "images_on_arrival", "shorten_views", "tools.'*'.recall",
        "tools.'*'.min_tokens", "serve.host", "serve.upstream_anthropic",
    }  # fmt: skip
    assert str(repository / "contextprune.toml") in resolved.notice
    assert "Ignored: scorer, store, tokenizer, " in resolved.notice
    assert "put them into /home/x/.config/contextprune/contextprune.toml" in resolved.notice
    assert f"--config {repository / 'contextprune.toml'}" in resolved.notice
    assert "\n" not in resolved.notice


def test_a_project_may_make_less_go(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(
        "[tool.contextprune]\nrecall = 0.99\nmin_tokens = 500\nrecent_turns = 5\nwindow = 1000000\n"
        "high_water = 0.9\nimages = 9\nepochs = false\nexclude_tools = ['bash']\n"
        "[tool.contextprune.tools.search]\nrecall = 1.0\n"
    )
    resolved = resolve_settings(repository, {})
    assert resolved.settings.policy == Policy(
        recall=0.99, min_tokens=500, recent_turns=5, window=1_000_000, high_water=0.9, images=9, epochs=False,
        exclude_tools=("bash",), tools={"search": Rule(1.0)},
    )  # fmt: skip
    assert (resolved.ignored, resolved.notice) == ((), "")


def test_a_project_counts_beside_the_users_own_file_where_it_makes_less_go(tmp_path: Path, repository: Path) -> None:
    home = own(tmp_path, "recall = 0.8\nmin_tokens = 300\nexclude_tools = ['a']\nshorten_views = true\n")
    (repository / "contextprune.toml").write_text(
        "recall = 0.9\nmin_tokens = 200\nexclude_tools = ['b']\nshorten_views = false\n"
    )
    resolved = resolve_settings(repository, home)
    expected = Policy(recall=0.9, min_tokens=300, exclude_tools=("a", "b"), shorten_views=False)
    assert (resolved.settings.policy, resolved.ignored) == (expected, ("min_tokens",))


def test_each_setting_that_is_not_the_default_says_where_it_was_set(tmp_path: Path, repository: Path) -> None:
    home = own(tmp_path, "recall = 0.5\nmin_tokens = 300\nexclude_tools = ['a']\nscorer = 'lexical'\nepochs = true\n")
    user = tmp_path / "home" / ".config" / "contextprune" / "contextprune.toml"
    project = repository / "contextprune.toml"
    project.write_text("recall = 0.9\nmin_tokens = 200\nexclude_tools = ['b']\nstore = 'memory'\nepochs = false\n")
    resolved = resolve_settings(repository, {**home, "CONTEXTPRUNE_RECALL": "0.7"})
    assert resolved.origins == {
        "recall": "CONTEXTPRUNE_RECALL",
        "min_tokens": f"min_tokens in {user}",
        "exclude_tools": f"exclude_tools in {user} and exclude_tools in {project}",
        "scorer": f"scorer in {user}",
        "epochs": f"epochs in {project}",
    }


def test_a_variable_wins_over_the_project_in_either_direction(repository: Path) -> None:
    (repository / "contextprune.toml").write_text("recall = 0.99\nmin_tokens = 5\nexclude_tools = ['a']\n")
    environ = {"CONTEXTPRUNE_RECALL": "0.5", "CONTEXTPRUNE_MIN_TOKENS": "7", "CONTEXTPRUNE_EXCLUDE_TOOLS": "b"}
    resolved = resolve_settings(repository, environ)
    assert resolved.settings.policy == Policy(recall=0.5, min_tokens=7, exclude_tools=("b",))
    assert resolved.ignored == ()


def test_a_rule_of_a_project_never_lowers_what_a_variable_asks_for(repository: Path) -> None:
    (repository / "contextprune.toml").write_text("[tools]\nsearch = {recall = 0.97, min_tokens = 900}\n")
    resolved = resolve_settings(repository, {"CONTEXTPRUNE_RECALL": "0.99"})
    assert resolved.settings.policy.rule("search") == Rule(None, 900)
    assert resolved.ignored == ("tools.search.recall",)


def test_rules_of_the_users_own_come_before_those_of_a_project(tmp_path: Path, repository: Path) -> None:
    home = own(tmp_path, "[tools]\nbash = {recall = 1.0}\n")
    (repository / "contextprune.toml").write_text("[tools]\n'*' = {recall = 0.96}\nbash = {recall = 0.96}\n")
    resolved = resolve_settings(repository, home)
    assert [resolved.settings.policy.rule(tool).recall for tool in ("bash", "search")] == [1.0, 0.96]
    assert resolved.ignored == ("tools.bash",)


@pytest.mark.parametrize("value", ["nan", "-1.0", "0.94"])
def test_a_number_of_a_project_that_is_not_larger_is_not_taken(repository: Path, value: str) -> None:
    (repository / "contextprune.toml").write_text(f"recall = {value}\n[tools]\nx = {{recall = 0.5}}\n")
    resolved = resolve_settings(repository, {})
    assert (resolved.settings.policy.recall, resolved.ignored) == (0.95, ("recall", "tools.x.recall"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recal = 0.9", "no setting is called 'recal' .*contextprune.toml.* did you mean 'recall'"),
        ("recall = '1'", "recall in .*contextprune.toml is a number"),
        ("recall = 2", "not 2.0 .recall in .*contextprune.toml"),
        ("recall = ", "contextprune.toml is not valid TOML"),
        ("a = " + "[" * 5000, "contextprune.toml is nested too deeply"),
        ("a." * 5000 + "a = 1", "contextprune.toml has keys of too many parts"),
        ("x = '" + "x" * (1 << 20) + "'", "larger than 1 MiB"),
    ],
)
def test_a_project_that_makes_no_sense_is_named_and_stops_nothing(repository: Path, text: str, message: str) -> None:
    (repository / "contextprune.toml").write_text(text)
    said: list[str] = []
    assert load_settings(repository, {}, tell=said.append) == Settings()
    assert len(said) == 1
    assert re.search(message, said[0])


def test_of_a_projects_rules_those_that_make_no_sense_are_left_out_alone(repository: Path) -> None:
    text = 'min_tokens = "many"\nrecent_turns = 9\n[tools]\ngood = {recall = 0.99}\nbad = {recal = 1}\nworse = 3\n'
    (repository / "contextprune.toml").write_text(text)
    resolved = resolve_settings(repository, {})
    assert resolved.settings.policy == Policy(recent_turns=9, tools={"good": Rule(recall=0.99)})
    assert set(resolved.ignored) == {"min_tokens", "tools"}
    assert "min_tokens" in resolved.notice


def test_an_unknown_name_in_a_project_stops_nothing(repository: Path) -> None:
    (repository / "contextprune.toml").write_text("recal = 0.99\nmin_tokens = 400\n[srve]\nport = 1\n")
    resolved = resolve_settings(repository, {})
    assert resolved.settings.policy.min_tokens == 400
    assert resolved.ignored == ("recal", "srve")


def test_a_notice_names_the_file_the_unknown_name_and_the_closest_that_exists(repository: Path) -> None:
    file = repository / "contextprune.toml"
    file.write_text("recal = 0.99\n")
    notice = f"contextprune: no setting is called 'recal' ({file}); did you mean 'recall'? It is ignored."
    assert resolve_settings(repository, {}).notice == notice


def test_of_many_unknown_names_in_a_project_some_are_corrected_and_the_rest_counted(repository: Path) -> None:
    (repository / "contextprune.toml").write_text("\n".join(f"recal{n} = 1" for n in range(50)))
    notice = resolve_settings(repository, {}).notice
    assert notice.count("did you mean 'recall'?") == 3
    assert notice.endswith("So are 47 more names.")


def test_an_unknown_name_in_a_file_that_was_named_is_refused(repository: Path) -> None:
    file = repository / "contextprune.toml"
    file.write_text("recal = 0.99\n")
    with pytest.raises(SettingsError, match="did you mean 'recall'"):
        load_settings(repository, {}, file)


def test_the_users_own_file_is_no_project_where_one_works_beside_it(tmp_path: Path) -> None:
    home = own(tmp_path, "recall = 0.5\n[serve]\nport = 1\n")
    resolved = resolve_settings(tmp_path / "home" / ".config" / "contextprune", home)
    assert (resolved.settings.policy.recall, resolved.notice) == (0.5, "")
    assert len(resolved.files) == 1


def test_a_file_that_is_named_is_trusted_and_read_in_place_of_both(tmp_path: Path, repository: Path) -> None:
    home = own(tmp_path, "recall = 0.5\n")
    (repository / "contextprune.toml").write_text("min_tokens = 900\n")
    (repository / "other.toml").write_text("store = 'memory'\nrecall = 0.4\n")
    got = load_settings(repository, home, Path("other.toml"))
    assert (got.store, got.policy) == ("memory", Policy(recall=0.4))


def test_the_notice_is_logged_once_in_a_process(repository: Path, caplog: pytest.LogCaptureFixture) -> None:
    (repository / "contextprune.toml").write_text("store = 'memory'\n")
    for _ in range(3):
        load_settings(repository, {})
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("contextprune.settings", "WARNING")
    assert "Ignored: store." in record.getMessage()


def test_a_notice_with_signs_of_formats_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    warn("100 %s of it")
    assert caplog.messages == ["100 %s of it"]


def test_names_in_a_notice_cannot_command_a_terminal(repository: Path) -> None:
    (repository / "contextprune.toml").write_text('[serve]\n"\\u001b[2J\\n" = 1\n[tools]\n"\\u0007" = {recall = 0.1}\n')
    assert resolve_settings(repository, {}).notice.isprintable()
