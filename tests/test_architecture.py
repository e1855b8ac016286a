"""The house rules that a machine can check: layers, circles, heavy imports, sizes, and a test file for each source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "contextprune"
FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)
PAGE = ROOT / "docs" / "explanation" / "architecture.md"

LAYERS = (
    {
        "errors",
        "fail_open",
        "context",
        "plan",
        "policy",
        "tokens",
        "markers",
        "images",
        "interpreter",
        "text",
        "money",
    },  # words
    {"settings"},
    {"dialects", "splitting", "scoring", "selection", "storage", "rendering", "report"},  # stages
    {"prepare"},
    {"one_key"},
    {"session"},
    {"pruner"},
    {"api"},  # the first door, through which the others may go
    {"display"},
    {"audit", "proxy"},
    {"training", "bench"},  # workshops
    {"cli", "__main__"},  # the command line opens every other door, and calls the workshops
)
"""From the bottom up: a part imports from the layers below its own, and words from one another."""

OUTSIDE_THE_LAYERS = {"__init__", "_version"}  # the face, and a number
BESIDE = {("bench", "training")}  # the bench measures on what training held out

PROXY_LAYERS = (
    {"options", "job", "inherited"},
    {"wire", "pool"},
    {"telemetry", "treatment", "replay"},
    {"worker", "dashboard", "admission"},
    {"exchange", "endpoints", "forward", "app", "server", "supervisor"},
)
"""The same inside the proxy; its last layer is the front process, whose files may import one another."""
FRONT_IMPORTS_NOT = (
    "contextprune.storage", "contextprune.session", "contextprune.pruner", "contextprune.api",
    "contextprune.proxy.worker",
)  # fmt: skip
REPLAY_IMPORTS_NOT = (
    "contextprune.scoring", "contextprune.selection", "contextprune.splitting", "contextprune.prepare",
    "contextprune.pruner", "contextprune.session.conversations", "contextprune.tokens",
)  # fmt: skip

HEAVY = {
    "torch": {"scoring/neural.py", "scoring/encoder.py", "scoring/listwise.py", "training/*", "bench/*"},
    "numpy": {"scoring/neural.py", "scoring/encoder.py", "scoring/listwise.py", "training/*", "bench/*"},
    "tokenizers": {"scoring/neural.py", "training/*", "bench/documents/minilm.py"},
    "scipy": {"bench/intervals.py", "training/fit/calibrate.py"},
    "datasketch": {"training/labels/near_duplicates.py"},
    "safetensors": {"scoring/neural.py", "scoring/cross_encoder.py", "training/*", "bench/documents/minilm.py"},
    "sentence_transformers": {"scoring/cross_encoder.py", "bench/*"},
    "transformers": {"scoring/cross_encoder.py", "bench/*"},
    "pydantic": {"settings/model.py", "settings/schema.py"},
    "redis": {"storage/redis.py"},
    "starlette": {"bench/proxy/plain_proxy.py"},
    "uvicorn": {"proxy/*", "bench/proxy/upstream.py", "bench/disturbances/provider.py"},
    "prometheus_client": {"proxy/telemetry/prometheus.py"},
    "opentelemetry": {"proxy/telemetry/otel.py"},
    "brotli": {"proxy/wire/decompress.py"},
    "zstandard": {"proxy/wire/decompress.py"},
    "httpcore": {"proxy/*"},
    "httpx": {"proxy/*", "bench/*"},
    "tiktoken": {"tokens.py"},
    "PIL": {"images.py"},
    "genai_prices": {"money/tariff.py"},
    "tree_sitter": {"splitting/grammars.py"},
    "typer": {"cli/*", "bench/tuning/__main__.py", "training/executed/__main__.py", "training/labels/recipes.py"},
    "rich": {"cli/*", "display/terminal.py", "bench/*", "training/*"},
    "mcp": {"cli/mcp.py"},
}

PICKLING = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
PICKLED = {".bin", ".ckpt", ".joblib", ".npy", ".pickle", ".pkl", ".pt", ".pth"}

NAMES_THE_INTERPRETER = {
    "interpreter.py": "where it is started without the working folder",
    "training/executed/workbench.py": "its commands run in folders that it has written itself",
}
POOLS = {"get_context", "Pool", "Process", "ProcessPoolExecutor", "spawn", "start_processes"}
OF_POOLS = ("multiprocessing", "torch.multiprocessing", "concurrent.futures.process")

CATCHES_ALL = {
    "proxy/forward.py": "the front: a fault of ours must not cost a request",
    "proxy/worker/guard.py": "the scorer process: likewise",
    "fail_open.py": "integrations: a fault of ours must not end the run of an agent",
    "cli/app.py": "the command line: a user gets one line, never a traceback",
    "scoring/neural.py": "safetensors has no narrower exception",
    "training/executed/families/logs.py": "programs that are made to fail",
    "training/executed/families/tracebacks.py": "likewise",
}

NO_TEST_OF_THEIR_OWN = {
    "__init__.py": "the face: test_public_api",
    "_version.py": "a number",
    "selection/prepared.py": "a value: tested through under_budget and on_arrival",
    "storage/codec.py": "tests/storage/test_store.py",
    "proxy/pool/base.py": "a Protocol and a value: tests/proxy/pool/test_pool.py",
    "proxy/telemetry/genai.py": "names: tests/proxy/telemetry/test_otel.py",
    "dialects/draft.py": "tested through each dialect",
    "dialects/openai_chat.py": "tests/dialects/test_openai.py",
    "dialects/openai_responses.py": "tests/dialects/test_openai.py",
    "scoring/encoder.py": "tested through neural",
    "storage/json_places.py": "tests/storage/test_excerpt.py",
    "storage/scope.py": "tests/storage/test_excerpt.py",
    "storage/schema.py": "tests/storage/test_sqlite.py",
    "splitting/grammars.py": "tests/splitting/test_code.py",
    "text/failure_forms.py": "tests/text/test_failure_lines.py",
    "text/failure_words.py": "tests/text/test_failure_lines.py",
    "splitting/lines.py": "tested through the cutters",
    "splitting/literals.py": "tests/splitting/test_data.py",
    "splitting/nesting.py": "tested through the cutters",
    "splitting/pieces.py": "tested through the cutters",
    "splitting/shapes.py": "tests/splitting/test_sniff.py",
}
WITHOUT_TESTS_YET = "bench"  # a workshop: its parts that decide anything have tests, its printing does not


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part_of(path: Path) -> str:
    """The part of the package that a file belongs to: its folder, or its own name; every `__main__.py` is a command."""
    if path.name == "__main__.py":
        return "__main__"
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "contextprune" else [node.module]


def parts_imported(path: Path) -> set[str]:
    own = (name.split(".") for name in imports_of(path))
    return {steps[1] for steps in own if steps[0] == "contextprune" and len(steps) > 1}


def layer_of(part: str, layers: Sequence[set[str]]) -> int:
    for number, layer in enumerate(layers):
        if part in layer:
            return number
    raise AssertionError(f"{part} has no layer yet: add it in tests/test_architecture.py")


def table_of(heading: str) -> list[set[str]]:
    """The names in backticks of each row of the table under these column headings, on the page of the architecture."""
    table = PAGE.read_text(encoding="utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [names for row in table.splitlines() if (names := set(re.findall(r"`(\w+)`", row)))]


every_file = pytest.mark.parametrize("path", FILES, ids=name_of)


@every_file
def test_no_file_imports_from_above_or_from_beside_it(path: Path) -> None:
    part = part_of(path)
    if part in OUTSIDE_THE_LAYERS:
        return
    for other in parts_imported(path) - {part} - {"_version", "__version__"}:
        own, its = layer_of(part, LAYERS), layer_of(other, LAYERS)
        allowed = its < own or (its == own == 0) or (part, other) in BESIDE or own == len(LAYERS) - 1
        assert allowed, f"{name_of(path)} imports {other}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "proxy").rglob("*.py")), ids=name_of)
def test_no_file_of_the_proxy_imports_from_above_or_from_beside_it(path: Path) -> None:
    part = path.relative_to(PACKAGE / "proxy").parts[0].removesuffix(".py")
    if part == "__init__":
        return
    for name in imports_of(path):
        steps = name.split(".")
        if steps[:2] == ["contextprune", "proxy"] and len(steps) > 2 and steps[2] != part:
            own, its = layer_of(part, PROXY_LAYERS), layer_of(steps[2], PROXY_LAYERS)
            assert its < own or its == own == len(PROXY_LAYERS) - 1, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "proxy").rglob("*.py")), ids=name_of)
def test_the_front_process_imports_neither_engine_nor_store(path: Path) -> None:
    if path.parent.name == "worker":
        return  # the scorer process
    forbidden = REPLAY_IMPORTS_NOT if path.parent.name == "replay" else FRONT_IMPORTS_NOT
    for name in imports_of(path):
        assert not name.startswith(forbidden), f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(PACKAGE).as_posix())
def test_each_folder_has_its_first_sentence_on_the_page_of_the_architecture(folder: Path) -> None:
    text = ast.get_docstring(tree_of(folder / "__init__.py"))
    assert text, folder
    sentence = " ".join(re.split(r"(?<=\.)\s", text, maxsplit=1)[0].split())
    row = f"| `{folder.relative_to(PACKAGE).as_posix()}/` | {sentence} |"
    assert row in PAGE.read_text(encoding="utf-8"), f"{PAGE.relative_to(ROOT)} lacks: {row}"


def test_the_page_of_the_architecture_draws_the_layers() -> None:
    assert table_of("layer | folders and files") == list(LAYERS)


def test_the_page_of_the_architecture_draws_the_layers_of_the_proxy() -> None:
    assert table_of("layer of the proxy | folders and files") == list(PROXY_LAYERS)


def test_the_page_of_the_architecture_names_files_that_exist() -> None:
    names = set(re.findall(r"`([\w/]+\.py)`", PAGE.read_text(encoding="utf-8")))
    places = ("", "session/", "proxy/")  # pages speak of files where a section is about their folder
    assert [name for name in sorted(names) if not any((PACKAGE / place / name).exists() for place in places)] == []


def test_imports_form_no_circle() -> None:
    modules = {_module(path): path for path in FILES}
    edges = {
        module: {name for found in imports_of(path) for name in (found, found.rpartition(".")[0]) if name in modules}
        - {module, "contextprune"}
        for module, path in modules.items()
    }
    edges = {module: found - _packages_of(module) for module, found in edges.items()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, f"a circle: {' -> '.join((*trail, module))}"
        if module not in done:
            for other in sorted(edges[module]):
                visit(other, (*trail, module))
            done.add(module)

    for module in sorted(edges):
        visit(module, ())


@every_file
def test_only_a_few_places_catch_whatever_goes_wrong(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "Exception"):
            assert name_of(path) in CATCHES_ALL, f"{name_of(path)}:{node.lineno} catches more than it can know of"


def _module(path: Path) -> str:
    steps = ("contextprune", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(step for step in steps if step != "__init__")


def _packages_of(module: str) -> set[str]:
    steps = module.split(".")
    return {".".join(steps[:n]) for n in range(1, len(steps))}


@every_file
def test_heavy_packages_are_imported_only_where_they_are_needed(path: Path) -> None:
    for name in imports_of(path):
        top = name.split(".")[0]
        places = next((places for heavy, places in HEAVY.items() if top == heavy or top.startswith(f"{heavy}_")), None)
        if places is not None:
            allowed = any(name_of(path).startswith(place.removesuffix("*")) for place in places)
            assert allowed, f"{name_of(path)} imports {name}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "|".join(HEAVY)
    code = f"import contextprune, re, sys; print(*[m for m in sys.modules if re.match(r'(?:{heavy})(?:_\\w+)?$', m)])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@every_file
def test_nothing_is_unpickled(path: Path) -> None:
    """Pickled files run code when they are read: weights are safetensors, everything else is text."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("torch.load", "torch.save"), f"{name_of(path)}:{node.lineno}"
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert ast.unparse(node.value) == "False", f"{name_of(path)}:{node.lineno}"
    assert PICKLING.isdisjoint(name.split(".")[0] for name in imports_of(path)), name_of(path)


def test_the_package_holds_no_pickled_files() -> None:
    assert [path for path in PACKAGE.rglob("*") if path.suffix in PICKLED] == []


@every_file
def test_python_is_started_without_the_working_folder(path: Path) -> None:
    """A `json.py` in a cloned repository would be run: see interpreter.py."""
    if name_of(path) in NAMES_THE_INTERPRETER:
        return
    for node in ast.walk(tree_of(path)):
        named = isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.executable", "sys._base_executable")
        assert not named, f"{name_of(path)}:{getattr(node, 'lineno', 0)} names the interpreter: use interpreter.command"


@every_file
def test_no_child_is_given_the_working_folder_among_its_places_of_modules(path: Path) -> None:
    if name_of(path) == "interpreter.py":
        return
    for node in ast.walk(tree_of(path)):
        assert not isinstance(node, ast.Attribute) or ast.unparse(node) != "sys.path", f"{name_of(path)}:{node.lineno}"


@every_file
def test_processes_are_isolated_before_a_pool_starts_them(path: Path) -> None:
    if not any(name.startswith(OF_POOLS) for name in imports_of(path)):
        return
    for function in ast.walk(tree_of(path)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            lines = {ast.unparse(call.func).rpartition(".")[2]: call.lineno for call in reversed(calls)}
            pools = [line for name, line in lines.items() if name in POOLS]
            isolated = lines.get("isolate_children", sys.maxsize)
            assert not pools or isolated < min(pools), f"{name_of(path)}: {function.name} calls no isolate_children()"


@every_file
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if name_of(path).startswith("settings/"):
        return
    for node in ast.walk(tree_of(path)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        assert name not in ("environ", "environb", "getenv"), f"{name_of(path)}:{getattr(node, 'lineno', 0)}"


@every_file
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert path.read_text(encoding="utf-8").count("\n") <= 400


@every_file
def test_no_function_is_longer_than_40_lines(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 40, f"{name_of(path)}: {node.name}"


@every_file
def test_what_is_caught_is_named(path: Path) -> None:
    if name_of(path).startswith("proxy/") or name_of(path) == "fail_open.py":
        return  # where requests, and agents of integrations, go on whatever fails
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            ends_in_raise = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            caught = ast.unparse(node.type) if node.type else "everything"
            assert ends_in_raise or caught not in ("everything", "Exception", "BaseException"), (
                f"{name_of(path)}:{node.lineno} catches {caught}"
            )


@every_file
def test_a_module_says_what_it_is_in_one_to_five_lines(path: Path) -> None:
    if path.name == "_version.py":
        return
    said = ast.get_docstring(tree_of(path))
    assert said, name_of(path)


@every_file
def test_no_module_is_called_utils(path: Path) -> None:
    assert path.stem not in ("utils", "util", "helpers", "common", "manager", "handler", "misc", "base_utils")


@every_file
def test_each_source_file_has_its_test_file(path: Path) -> None:
    name = name_of(path)
    if (
        name in NO_TEST_OF_THEIR_OWN
        or path.name in ("__init__.py", "__main__.py")
        or part_of(path) == WITHOUT_TESTS_YET
    ):
        return
    test = ROOT / "tests" / path.relative_to(PACKAGE).with_name(f"test_{path.name}")
    assert test.exists(), f"no {test.relative_to(ROOT)}"


def test_the_lists_of_exceptions_name_files_that_exist() -> None:
    assert [name for name in NO_TEST_OF_THEIR_OWN if not (PACKAGE / name).exists()] == []
