"""The house rules that a machine can check: layers, circles, heavy imports, sizes, and a test file for each source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tests.sources import PACKAGE, Source, offences, sources

ROOT = PACKAGE.parent
FOLDERS = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)
INIT = "__init__.py"
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
    "torch": {
        "scoring/torch_network.py",
        "training/*",
        "bench/*",
    },
    "numpy": {
        "scoring/network*",
        "scoring/torch_network.py",
        "scoring/trained.py",
        "training/*",
        "bench/*",
    },
    "tokenizers": {"training/*", "bench/documents/minilm.py"},
    "scipy": {"bench/intervals.py", "training/network/calibrate.py"},
    "datasketch": {"training/labels/near_duplicates.py"},
    "safetensors": {
        "scoring/network_weights.py",
        "scoring/cross_encoder.py",
        "training/*",
        "bench/documents/minilm.py",
    },
    "sentence_transformers": {"scoring/cross_encoder.py", "bench/*"},
    "transformers": {"scoring/cross_encoder.py", "bench/*", "training/network/table.py"},
    "pydantic": {"settings/model.py", "settings/schema.py"},
    "redis": {"storage/redis.py", "storage/redis_notes.py", "storage/redis_shares.py"},
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
    "typer": {
        "cli/*",
        "bench/tuning/__main__.py",
        "training/executed/__main__.py",
        "training/labels/recipes.py",
        "training/labels/sessions.py",
    },
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


def layer_of(part: str, layers: Sequence[set[str]]) -> int:
    for number, layer in enumerate(layers):
        if part in layer:
            return number
    raise AssertionError(f"{part} has no layer yet: add it in tests/test_architecture.py")


def table_of(heading: str) -> list[set[str]]:
    """The names in backticks of each row of the table under these column headings, on the page of the architecture."""
    table = PAGE.read_text(encoding="utf-8").split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    return [names for row in table.splitlines() if (names := set(re.findall(r"`(\w+)`", row)))]


def attributes_of(source: Source) -> Iterator[tuple[ast.Attribute, str]]:
    return ((node, ast.unparse(node)) for node in source.nodes if isinstance(node, ast.Attribute))


def handlers_of(source: Source) -> Iterator[tuple[ast.ExceptHandler, str]]:
    """Each `except` with what it catches."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            yield node, ast.unparse(node.type) if node.type else "everything"


def test_no_file_imports_from_above_or_from_beside_it() -> None:
    def upwards(source: Source) -> Iterator[str]:
        part = source.part
        if part in OUTSIDE_THE_LAYERS:
            return
        steps = (name.split(".") for name in source.imports)
        parts = {step[1] for step in steps if step[0] == "contextprune" and len(step) > 1}
        for other in sorted(parts - {part} - {"_version", "__version__"}):
            own, its = layer_of(part, LAYERS), layer_of(other, LAYERS)
            allowed = its < own or (its == own == 0) or (part, other) in BESIDE or own == len(LAYERS) - 1
            if not allowed:
                yield f"{source.name} imports {other}"

    assert offences(upwards) == []


def test_no_file_of_the_proxy_imports_from_above_or_from_beside_it() -> None:
    def upwards(source: Source) -> Iterator[str]:
        part = source.name.split("/")[1].removesuffix(".py") if source.part == "proxy" else "__init__"
        if part == "__init__":
            return
        for name in source.imports:
            steps = name.split(".")
            if steps[:2] == ["contextprune", "proxy"] and len(steps) > 2 and steps[2] != part:
                own, its = layer_of(part, PROXY_LAYERS), layer_of(steps[2], PROXY_LAYERS)
                if not (its < own or its == own == len(PROXY_LAYERS) - 1):
                    yield f"{source.name} imports {name}"

    assert offences(upwards) == []


def test_the_front_process_imports_neither_engine_nor_store() -> None:
    def forbidden(source: Source) -> Iterator[str]:
        if source.part != "proxy":
            return
        forbidden = REPLAY_IMPORTS_NOT if source.path.parent.name == "replay" else FRONT_IMPORTS_NOT
        yield from (f"{source.name} imports {name}" for name in source.imports if name.startswith(forbidden))

    assert offences(forbidden, but=["proxy/worker/"]) == []  # the scorer process


def test_each_folder_has_its_first_sentence_on_the_page_of_the_architecture() -> None:
    docstrings = {
        source.path.parent: ast.get_docstring(source.tree) for source in sources() if source.path.name == INIT
    }
    rows = []
    for folder in FOLDERS:
        text = docstrings[folder]
        assert text, folder
        sentence = " ".join(re.split(r"(?<=\.)\s", text, maxsplit=1)[0].split())
        rows.append(f"| `{folder.relative_to(PACKAGE).as_posix()}/` | {sentence} |")
    page = PAGE.read_text(encoding="utf-8")
    assert [row for row in rows if row not in page] == []


def test_the_page_of_the_architecture_draws_the_layers() -> None:
    assert table_of("layer | folders and files") == list(LAYERS)


def test_the_page_of_the_architecture_draws_the_layers_of_the_proxy() -> None:
    assert table_of("layer of the proxy | folders and files") == list(PROXY_LAYERS)


def test_the_page_of_the_architecture_names_files_that_exist() -> None:
    names = set(re.findall(r"`([\w/]+\.py)`", PAGE.read_text(encoding="utf-8")))
    places = ("", "session/", "proxy/")  # pages speak of files where a section is about their folder
    assert [name for name in sorted(names) if not any((PACKAGE / place / name).exists() for place in places)] == []


def test_imports_form_no_circle() -> None:
    modules = {_module(source): source for source in sources()}
    edges = {
        module: {name for found in source.imports for name in (found, found.rpartition(".")[0]) if name in modules}
        - {module, "contextprune"}
        for module, source in modules.items()
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


def test_only_a_few_places_catch_whatever_goes_wrong() -> None:
    def unbounded(source: Source) -> Iterator[str]:
        return (source.at(node) for node, caught in handlers_of(source) if caught in ("everything", "Exception"))

    assert offences(unbounded, but=CATCHES_ALL) == []


def _module(source: Source) -> str:
    steps = ("contextprune", *source.path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(step for step in steps if step != "__init__")


def _packages_of(module: str) -> set[str]:
    steps = module.split(".")
    return {".".join(steps[:n]) for n in range(1, len(steps))}


def test_heavy_packages_are_imported_only_where_they_are_needed() -> None:
    def misplaced(source: Source) -> Iterator[str]:
        for name in source.imports:
            top = name.split(".")[0]
            places = next(
                (places for heavy, places in HEAVY.items() if top == heavy or top.startswith(f"{heavy}_")), ()
            )
            if places and not any(source.name.startswith(place.removesuffix("*")) for place in places):
                yield f"{source.name} imports {name}"

    assert offences(misplaced) == []


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = "|".join(HEAVY)
    code = f"import contextprune, re, sys; print(*[m for m in sys.modules if re.match(r'(?:{heavy})(?:_\\w+)?$', m)])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_nothing_is_unpickled() -> None:
    """Pickled files run code when they are read: weights are safetensors, everything else is text."""

    def unpickling(source: Source) -> Iterator[str]:
        yield from (source.at(node) for node, name in attributes_of(source) if name in ("torch.load", "torch.save"))
        for node in source.nodes:
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                yield source.at(node)
        yield from (f"{source.name} imports {name}" for name in source.imports if name.split(".")[0] in PICKLING)

    assert offences(unpickling) == []


def test_the_package_holds_no_pickled_files() -> None:
    assert [path for path in PACKAGE.rglob("*") if path.suffix in PICKLED] == []


def test_python_is_started_without_the_working_folder() -> None:
    """A `json.py` in a cloned repository would be run: interpreter.command is what starts Python."""

    def naming(source: Source) -> Iterator[str]:
        names = ("sys.executable", "sys._base_executable")
        return (source.at(node) for node, name in attributes_of(source) if name in names)

    assert offences(naming, but=NAMES_THE_INTERPRETER) == []


def test_no_child_is_given_the_working_folder_among_its_places_of_modules() -> None:
    def naming(source: Source) -> Iterator[str]:
        return (source.at(node) for node, name in attributes_of(source) if name == "sys.path")

    assert offences(naming, but=["interpreter.py"]) == []


def test_processes_are_isolated_before_a_pool_starts_them() -> None:
    def exposed(source: Source) -> Iterator[str]:
        if not any(name.startswith(OF_POOLS) for name in source.imports):
            return
        for function in source.functions:
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            lines = {ast.unparse(call.func).rpartition(".")[2]: call.lineno for call in reversed(calls)}
            pools = [line for name, line in lines.items() if name in POOLS]
            if pools and lines.get("isolate_children", sys.maxsize) >= min(pools):
                yield f"{source.name}: {function.name} calls no isolate_children()"

    assert offences(exposed) == []


def test_only_the_settings_read_the_environment() -> None:
    def reading(source: Source) -> Iterator[str]:
        for node in source.nodes:
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in ("environ", "environb", "getenv"):
                yield source.at(node)

    assert offences(reading, but=["settings/"]) == []


def test_no_file_is_longer_than_400_lines() -> None:
    assert [source.name for source in sources() if source.text.count("\n") > 400] == []


def test_no_function_is_longer_than_40_lines() -> None:
    def long(source: Source) -> Iterator[str]:
        for function in source.functions:
            assert function.end_lineno is not None
            if function.end_lineno - function.lineno >= 40:
                yield f"{source.name}: {function.name}"

    assert offences(long) == []


def test_what_is_caught_is_named() -> None:
    def nameless(source: Source) -> Iterator[str]:
        for node, caught in handlers_of(source):
            ends_in_raise = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            if not ends_in_raise and caught in ("everything", "Exception", "BaseException"):
                yield f"{source.at(node)} catches {caught}"

    assert offences(nameless, but=["proxy/", "fail_open.py"]) == []  # where requests and agents go on whatever fails


def test_a_module_says_what_it_is() -> None:
    assert [source.name for source in sources() if not ast.get_docstring(source.tree)] == []


def test_no_module_is_called_utils() -> None:
    empty = ("utils", "util", "helpers", "common", "manager", "handler", "misc", "base_utils")
    assert [source.name for source in sources() if source.path.stem in empty] == []


def test_each_source_file_has_its_test_file() -> None:
    def untested(source: Source) -> Iterator[str]:
        if source.name in NO_TEST_OF_THEIR_OWN or source.path.name in (INIT, "__main__.py"):
            return
        test = ROOT / "tests" / source.path.relative_to(PACKAGE).with_name(f"test_{source.path.name}")
        if source.part != WITHOUT_TESTS_YET and not test.exists():
            yield f"no {test.relative_to(ROOT)}"

    assert offences(untested) == []


def test_the_lists_of_exceptions_name_files_that_exist() -> None:
    assert [name for name in NO_TEST_OF_THEIR_OWN if not (PACKAGE / name).exists()] == []
