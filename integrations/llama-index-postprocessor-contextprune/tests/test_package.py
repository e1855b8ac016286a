"""What holds for the whole: only the public face of contextprune, small files, a README and examples that run."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import contextprune as cp
import llama_index.postprocessor.contextprune as face
from tests.scenes import FOLDER_OF_EXAMPLES

HERE = Path(__file__).parents[1]
PACKAGE = HERE / "llama_index" / "postprocessor" / "contextprune"
FILES = sorted(PACKAGE.glob("*.py"))
EXAMPLES = sorted(FOLDER_OF_EXAMPLES.glob("llamaindex_*.py"))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
STAND_INS = """
from llama_index.core import MockEmbedding, Settings
from llama_index.core.llms import MockLLM
Settings.llm, Settings.embed_model = MockLLM(), MockEmbedding(embed_dim=8)
"""
"""What a user has set up: without them LlamaIndex asks for OpenAI's packages."""

every_file = pytest.mark.parametrize("path", [*FILES, *EXAMPLES], ids=lambda path: path.name)


@every_file
def test_only_the_public_face_of_contextprune_is_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cp"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "contextprune", f"{path.name} imports from {node.module}"
        if isinstance(node, ast.Import):
            assert all(not alias.name.startswith("contextprune.") for alias in node.names)
    assert names <= set(cp.__all__)


@every_file
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 260


def test_the_face_is_sorted_and_complete() -> None:
    assert face.__all__ == sorted(face.__all__)
    assert all(hasattr(face, name) for name in face.__all__)
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.parametrize("name", face.__all__)
def test_its_page_says_what_each_argument_is(name: str) -> None:
    one = getattr(face, name)
    said = inspect.getdoc(one) or ""
    own = inspect.get_annotations(one) if hasattr(one, "model_fields") else inspect.signature(one).parameters
    arguments = [each for each in inspect.signature(one).parameters if each in own]
    assert arguments
    assert [each for each in arguments if f"\n    {each}: " not in said.replace("*", "")] == []
    assert "\nArgs:\n" in said or "\nAttributes:\n" in said


def test_the_namespace_is_shared() -> None:
    assert not (HERE / "llama_index" / "__init__.py").exists()
    assert not (HERE / "llama_index" / "postprocessor" / "__init__.py").exists()


def test_the_version_is_that_of_the_distribution() -> None:
    assert f'version = "{version("llama-index-postprocessor-contextprune")}"' in (HERE / "pyproject.toml").read_text()


def test_the_readme_opens_with_ten_lines() -> None:
    first = BLOCK.findall((HERE / "README.md").read_text(encoding="utf-8"))[0]
    assert len(first.splitlines()) <= 10


def test_the_code_of_the_readme_runs(tmp_path: Path) -> None:
    blocks = BLOCK.findall((HERE / "README.md").read_text(encoding="utf-8"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tower.txt").write_text("The tower was built in 1889. " * 40, encoding="utf-8")
    script = tmp_path / "page.py"
    script.write_text(STAND_INS + "\n".join(blocks), encoding="utf-8")
    run(script, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_run(example: Path, tmp_path: Path) -> None:
    said = run(example, tmp_path)
    assert "True" in said or "less" in said


def test_the_benchmark_runs_on_the_committed_sample(tmp_path: Path) -> None:
    said = run(HERE / "bench" / "quality.py", tmp_path, "--rows", "1", "--half", "all", "--sets", "quotesum")
    assert "ContextPrunePostprocessor" in said


def run(script: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), *arguments],
        cwd=folder,
        env={**os.environ, "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
