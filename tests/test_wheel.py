"""What users install: built here, unpacked into an empty folder, run without this repository, network or home."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WEIGHTS = ("scorer.json", "model.safetensors", "tokenizer.json", "calibration.json")
LARGEST = 60e6  # bytes: an index takes 100 MB, and nobody wants to wait

_SCORE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise OSError(f"asked for the network: {event} {arguments}")

sys.addaudithook(refuse)
sys.path = [sys.argv[1], *sys.path, sys.argv[2]]
import contextprune as cp

assert cp.__file__.startswith(sys.argv[1]), cp.__file__
text = "The payment was refused at night. " * 20 + "Checkout fails because the gateway closed port 8443."
documents = [cp.Document(text=text, id="a")]
pruner = cp.Pruner(cp.Policy(), cp.load_scorer("neural", "cpu"), cp.Tiktoken(), cp.MemoryStore())
got = cp.prune_documents(documents, "why does checkout fail?", cp.Budget(ratio=0.3), pruner)
assert got.report.after <= 0.3 * got.report.before
print(got.report.scorer, sorted({round(decision.score, 4) for decision in got.plan.decisions}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_wheel_holds_the_weights(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert f"contextprune/weights/{name}" in archive.namelist()


@pytest.mark.parametrize("name", WEIGHTS)
def test_the_source_distribution_holds_the_weights(built: Path, name: str) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        assert any(member.endswith(f"/contextprune/weights/{name}") for member in archive.getnames())


def test_the_wheel_holds_the_licence_of_the_vocabulary_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert b"MIT License" in archive.read("contextprune/vocab/LICENSE")


def test_two_builds_have_equal_bytes(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True, umask=0o077)
    (again,) = tmp_path.glob("*.whl")
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())


def test_the_wheel_is_not_too_large(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"contextprune"}


def test_the_model_works_out_of_the_wheel_with_no_network_and_no_home(wheel: Path, tmp_path: Path) -> None:
    target, home = tmp_path / "target", tmp_path / "home"
    home.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    subprocess.run(install, capture_output=True, check=True)
    numpy = find_spec("numpy")
    assert numpy is not None
    assert numpy.origin is not None
    packages = Path(numpy.origin).parents[1]  # an environment may have its packages in that of another one
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _SCORE, str(target), str(packages)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("neural.v")
    assert list(home.rglob("*")) == []
