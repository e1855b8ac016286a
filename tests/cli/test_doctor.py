from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from contextprune import api
from contextprune.cli.doctor import NEEDLE, Finding, canary, examine, loses_logs
from contextprune.context import Context, Kind, Span
from contextprune.policy import Policy, Rule
from contextprune.pruner import Pruner
from contextprune.scoring import Scorer, load_scorer
from contextprune.storage.sqlite import SQLiteStore
from contextprune.storage.store import MemoryStore, Store
from contextprune.tokens import Tiktoken
from tests.scoring.folders import write_trained


class KeepsAll:
    """Holds every span for needed."""

    name = "keeps-all.test"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        assert context.segments
        return [1.0] * len(spans)

    def threshold(self, context: Context, spans: Sequence[Span], segment: int, recall: float) -> float:
        assert spans[0].segment == segment < len(context.segments)
        return 1.0 - recall / 2


class ScoresAllTheSame:
    """Tells no span from another, and is not calibrated."""

    name = "all-the-same.test"

    def __call__(self, context: Context, spans: Sequence[Span]) -> list[float]:
        assert context.segments
        return [0.5] * len(spans)


class Shortens(MemoryStore):
    """Gives back long originals without their end."""

    def get(self, key: str) -> str | None:
        text = super().get(key)
        return text if text is None else text[:1000]


def pruner(policy: Policy | None = None, scorer: Scorer | None = None, store: Store | None = None) -> Pruner:
    return Pruner(policy or Policy(), scorer or load_scorer("lexical"), Tiktoken(), store or MemoryStore())


def troubles(findings: Sequence[Finding]) -> dict[str, str]:
    return {finding.name: finding.trouble for finding in findings if finding.trouble}


def test_a_working_installation_has_no_trouble() -> None:
    findings = examine(pruner())
    assert troubles(findings) == {}
    assert [finding.name for finding in findings] == [
        "version", "settings", "scorer", "tokenizer", "store", "optional", "canary", "at 40%",
    ]  # fmt: skip


def said_of(scorer: Scorer) -> str:
    return next(finding.state for finding in examine(pruner(scorer=scorer)) if finding.name == "scorer")


def test_a_model_is_named_with_the_hash_of_its_weights_and_where_it_runs(tmp_path: Path) -> None:
    scorer = load_scorer(str(write_trained(tmp_path / "mine")), "cpu")
    assert re.fullmatch(r"tiny\.v2\.[0-9a-f]{8}; cpu, .*", said_of(scorer))


def test_the_lexical_scorer_asked_for_is_named_and_no_more() -> None:
    assert said_of(load_scorer("lexical")) == "lexical.v1+signals.v1"


def test_of_the_fallback_the_doctor_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)  # as where an installation lost it
    assert said_of(load_scorer("auto")) == (
        "lexical.v1+signals.v1; scored without the model: safetensors is not installed (install contextprune-ai anew)"
    )


def test_the_canary_is_compressed_and_keeps_its_error() -> None:
    done = api.compress(canary(), pruner=pruner())
    assert done.report.after < 0.9 * done.report.before
    assert NEEDLE in done.payload["messages"][-1]["content"]


def test_a_scorer_that_keeps_everything_is_found_out() -> None:
    said = troubles(examine(pruner(scorer=KeepsAll())))["canary"]
    assert "keeps-all.test holds everything for needed; set CONTEXTPRUNE_SCORER=lexical" in said


def test_a_scorer_that_tells_no_line_from_another_is_found_out() -> None:
    said = troubles(examine(pruner(scorer=ScoresAllTheSame())))["canary"]
    assert "all-the-same.test holds everything for needed" in said


def test_extras_for_prices_and_images_are_told_of() -> None:
    said = next(finding.state for finding in examine(pruner()) if finding.name == "optional")
    assert re.search(r"prices: (yes|no), images: (yes|no)", said)


@pytest.mark.parametrize(
    ("policy", "cause"),
    [
        (replace(Policy(), protect=Policy().protect | {Kind.TOOL_RESULT}), "protect tool_result"),
        (Policy(exclude_tools=("read_*",)), "exclude the tool"),
        (Policy(min_tokens=100_000), "min_tokens is 100,000"),
        (Policy(tools={"read_log": Rule(min_tokens=100_000)}), "min_tokens is 100,000"),
        (Policy(tools={"read_log": Rule(recall=1.0)}), "recall is 1.0"),
    ],
)
def test_a_setting_that_keeps_everything_is_named(policy: Policy, cause: str) -> None:
    assert cause in troubles(examine(pruner(policy)))["canary"]


def test_a_store_that_does_not_give_back_every_byte_is_found_out() -> None:
    assert "byte for byte" in troubles(examine(pruner(store=Shortens())))["canary"]


def test_a_store_that_cannot_be_written_is_found_out_before_the_canary(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    findings = examine(pruner(store=SQLiteStore(blocked / "originals.sqlite3")))
    assert "cannot be used" in troubles(findings)["store"]
    assert "canary" not in {finding.name for finding in findings}


def test_a_store_says_where_it_is_and_what_it_holds(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "originals.sqlite3")
    store.put({store.key("one"): "one"})
    said = next(finding.state for finding in examine(pruner(store=store)) if finding.name == "store")
    store.close()
    assert said.startswith(f"{tmp_path / 'originals.sqlite3'}, writable, 2 originals")


def test_a_store_that_was_set_aside_is_told_of_and_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "originals.sqlite3"
    path.write_bytes(b"no database" * 1000)
    findings = examine(pruner(store=SQLiteStore(path)))
    said = next(finding.state for finding in findings if finding.name == "set aside")
    assert said.startswith(f"{path}.damaged-")
    assert "0 originals can still be read" in said
    assert troubles(findings) == {}


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_a_sqlite_that_may_damage_a_store_is_known(version: tuple[int, int, int], affected: bool) -> None:
    assert loses_logs(version) is affected


def test_the_settings_files_in_force_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, project = (tmp_path / name / "contextprune.toml" for name in ("contextprune", "project"))
    for file, text in ((own, "min_tokens = 7\n"), (project, "[tools]\nbash = {recall = 0.99}\n")):
        file.parent.mkdir()
        file.write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(project.parent)
    said = examine(pruner())[1].state
    assert said.startswith(f"{own}, {project}; ")
    assert "min_tokens=7" in said
    assert "tools=bash" in said


def test_what_a_project_may_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contextprune.toml").write_text("store = 'redis://evil.example/0'\n[serve]\nhost = '0.0.0.0'\n")
    monkeypatch.chdir(tmp_path)
    finding = examine(pruner())[1]
    assert f"ignored in {tmp_path / 'contextprune.toml'}: store, serve.host" in finding.state
    assert finding.trouble == ""


def test_a_project_file_that_is_not_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contextprune.toml").write_text("recall = 1.0\n")
    (tmp_path / "contextprune.toml").chmod(0o666)
    monkeypatch.chdir(tmp_path)
    said = examine(pruner())[1].state
    assert said.startswith("no file; ")
    assert "contextprune.toml is ignored: others may write to it (mode 0666)" in said


def test_settings_that_cannot_be_read_are_one_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTEXTPRUNE_MIN_TOKEN", "7")
    assert "did you mean 'CONTEXTPRUNE_MIN_TOKENS'" in troubles(examine())["settings"]


def test_where_only_repetitions_go_the_canary_comes_twice_and_the_second_goes() -> None:
    findings = examine(pruner(Policy(repetitions_only=True), KeepsAll()))
    assert troubles(findings) == {}
    assert next(f.state for f in findings if f.name == "canary").endswith("only repetitions go (repetitions_only)")
