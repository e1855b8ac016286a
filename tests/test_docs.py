"""The documentation does what it says: code runs, commands and options exist, settings have their names.

A Python block marked `no-run` is only compiled. The blocks of one page share their names, as a reader would expect.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from contextprune.bench.tuning.numbers import numbers
from contextprune.policy import Policy
from contextprune.proxy.options import Options
from contextprune.selection import targets
from contextprune.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")] if path.exists())
FRAMEWORKS = ("langchain_", "llamaindex_")  # run by the tests of the integrations, where these are installed
EXAMPLES = sorted(p for p in (ROOT / "examples").glob("*.py") if not p.name.startswith(FRAMEWORKS))
SETTINGS = {field.name for field in (*fields(Settings), *fields(Policy))} - {"policy"}
SETTINGS |= {f"serve_{field.name}" for field in fields(Options) if field.name != "config"}

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[`$|(]|&&)[ \t]*contextprune[ \t]+([^\n`|&)]+)", re.MULTILINE)
_SETTING = re.compile(r"\bCONTEXTPRUNE_([A-Z_]+)\b")
_DEFAULT = re.compile(r"`(\w+)`\s+\(([\d.,]+)\)")
"""How a default is written in running text: `min_tokens` (100)."""
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?")
_SIGNATURE = re.compile(r"^#+ `Policy\((.*)\)`$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)\s]*)?\)")

NUMBERS = {
    field.name: field.default
    for field in fields(Policy)
    if isinstance(field.default, int | float) and not isinstance(field.default, bool)
}
TUNED = {
    name: value if isinstance(value, tuple) else (value,) for name, value in vars(targets).items() if name.isupper()
}
INTEGRATIONS = ROOT / "integrations"
PARTS = [part for part in INTEGRATIONS.glob("*/*") if not part.name.startswith(".")]  # environments come and go
FILES = sorted(path for part in PARTS for path in (part, *part.rglob("*")))
TEXTS = [*PAGES, *(path for path in FILES if path.name == "README.md" or path.suffix == ".py")]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture
def _user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs what is shown from the root of the repository, and keeps nothing. A process for each takes a second."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CONTEXTPRUNE_STORE", "memory")
    monkeypatch.setattr(sys, "argv", ["page.py"])


def python_blocks(page: Path) -> Iterator[tuple[str, bool]]:
    """The Python blocks of a page and whether each is to be run."""
    for info, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        words = info.split()
        if words and words[0] in ("python", "py"):
            yield body, "no-run" not in words


@every_page
@pytest.mark.usefixtures("_user")
def test_python_code_runs(page: Path, tmp_path: Path) -> None:
    code = [body for body, runs in python_blocks(page) if runs]
    if not code:
        return
    script = tmp_path / "page.py"
    script.write_text("\n".join(code), encoding="utf-8")
    run_path(str(script), run_name="__main__")


@every_page
def test_python_code_that_is_not_run_is_python_all_the_same(page: Path) -> None:
    for body, _ in python_blocks(page):
        ast.parse(body)


@every_page
def test_commands_and_their_options_exist(page: Path) -> None:
    found = _COMMAND.findall(_code_of(page))
    if not found:
        return
    assert importlib.util.find_spec("contextprune.cli.app") is not None, (
        f"{page.name} shows commands that do not exist yet"
    )
    commands = _commands()
    for line in found:
        words = line.split(" #")[0].split(" -- ")[0].split()  # what follows -- is another program's
        words = [" ".join(words[:2]), *words[2:]] if " ".join(words[:2]) in commands else words
        if words[0].startswith("-"):
            options, words = commands[""], ["", *words]
        else:
            assert words[0] in commands, f"contextprune {line}"
            options = commands[words[0]]
        for word in words[1:]:
            option = word.split("=")[0].strip("[]")
            assert not option.startswith("-") or option in ("-", "--", "--help") or option in options, line


@every_page
def test_settings_exist(page: Path) -> None:
    for name in _SETTING.findall(page.read_text(encoding="utf-8")):
        assert name.lower() in SETTINGS, name


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.relative_to(ROOT).as_posix())
def test_defaults_of_the_policy_are_told_as_they_are(text: Path) -> None:
    for name, number in _DEFAULT.findall(text.read_text(encoding="utf-8")):
        assert name not in NUMBERS or float(number.replace(",", "")) == NUMBERS[name], f"{name} ({number})"


def test_the_signature_of_the_policy_has_its_defaults() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    signature = _SIGNATURE.findall(page)
    assert len(signature) == 1
    told = dict(re.findall(r"(\w+)=(\d[\d.]*)", signature[0]))
    assert {name: float(number) for name, number in told.items()} == {name: float(NUMBERS[name]) for name in told}


@pytest.mark.parametrize("name", sorted(TUNED))
def test_each_tuned_number_stands_on_the_page_of_tuning_with_its_value(name: str) -> None:
    page = (ROOT / "docs" / "explanation" / "tuning.md").read_text(encoding="utf-8")
    row = next((row for row in page.splitlines() if row.startswith("| ") and f"`{name}`" in row.split("|")[1]), "| | |")
    told = {float(number.replace(",", "")) for number in _NUMBER.findall(row.split("|")[2])}
    assert told.issuperset(map(float, TUNED[name])), f"{name} = {TUNED[name]}: {row}"


@pytest.mark.parametrize(
    "label", sorted({number.label for number in numbers()} | {"examples.LIKENESS", "examples.POOL"})
)
def test_each_tuned_number_has_a_row_of_what_halving_and_doubling_it_does(label: str) -> None:
    page = (ROOT / "docs" / "explanation" / "tuning.md").read_text(encoding="utf-8")
    rows = page.partition("## How much they matter")[2].splitlines()
    assert any(row.startswith("| ") and f"`{label}`" in row.split("|")[1] for row in rows)


@every_page
def test_prose_has_lines_of_at_most_120_characters(page: Path) -> None:
    """What is longer shows no changes; code, tables, and headings with a signature in them cannot be wrapped."""
    prose = _BLOCK.sub("", page.read_text(encoding="utf-8")).splitlines()
    assert [line for line in prose if len(line) > 120 and not line.startswith(("|", "#"))] == []


@every_page
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
@pytest.mark.usefixtures("_user")
def test_examples_run(example: Path) -> None:
    run_path(str(example), run_name="__main__")


def _code_of(page: Path) -> str:
    """Everything on a page that is set as code: blocks of a shell, and what stands in backticks."""
    text = page.read_text(encoding="utf-8")
    blocks = [body for info, body in _BLOCK.findall(text) if info.split()[:1] not in (["python"], ["py"], ["text"])]
    return "\n".join([*blocks, *re.findall(r"`contextprune [^`\n]+`", _BLOCK.sub("", text))])


def _commands() -> dict[str, set[str]]:
    """Options of each subcommand, of those below one under both names, and of the command itself under ""."""
    import typer.main

    from contextprune.cli import app as cli

    group: Any = typer.main.get_command(cli.app)
    options = {"": _options(group)}
    for name, command in group.commands.items():
        options[name] = _options(command)
        options |= {f"{name} {below}": _options(leaf) for below, leaf in getattr(command, "commands", {}).items()}
    return options


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
