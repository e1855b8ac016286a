# Every target makes the virtual environment it needs; `make check` is what a change must pass.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
# Nothing is compiled ahead: of torch alone that takes 20 seconds in each environment, and tests import a small part of it.
# What pip installs of torch; without a GPU on Linux, where its default build brings CUDA along, the CPU build:
# make TORCH='torch --index-url https://download.pytorch.org/whl/cpu'
TORCH ?= torch
PIP := python -m pip install --disable-pip-version-check --no-compile -q
LANGCHAIN := integrations/langchain-contextprune
LLAMAINDEX := integrations/llama-index-postprocessor-contextprune
INTEGRATIONS := $(LANGCHAIN) $(LLAMAINDEX)
WORKERS ?= 2 # processes that run tests; with more than cores, tests that wait for a proxy with a deadline fail now and then

# Another version of Python: the laws, the stages, the settings, the stores and the command line, which is where versions
# differ. Without torch, whose build for one version need not exist for another; tests that need it are skipped.
OTHER ?= python3.13
OTHER_TESTS := tests/test_api.py tests/test_public_api.py tests/test_policy.py tests/test_pruner.py tests/test_prepare.py \
	tests/test_laws.py tests/test_laws_texts.py tests/test_laws_documents.py tests/test_markers.py tests/test_growth.py \
	tests/dialects tests/splitting tests/settings tests/storage tests/cli/test_app.py

.PHONY: demo test test-package test-integrations test-nightly test-other check types check-integrations bench clean

# Compress a real agent session to 40 % and show what was kept and why: a table here, the text in build/demo.html.
demo: .venv/installed
	mkdir -p build
	$(BIN)/contextprune compress examples/data/swe.json --budget 0.4 --html build/demo.html -o /dev/null
	@echo "What was kept, what went and why: open build/demo.html"

test: test-package test-integrations

test-package: .venv/installed
	$(BIN)/pytest -n $(WORKERS)

test-integrations: $(INTEGRATIONS:=/.venv/installed)
	for one in $(INTEGRATIONS); do (cd $$one && .venv/bin/python -m pytest) || exit 1; done

# The same tests with more examples, larger inputs and more rounds of faults.
test-nightly: .venv/installed
	HYPOTHESIS_PROFILE=nightly $(BIN)/pytest -n $(WORKERS)

test-other: .venv-other/installed
	HYPOTHESIS_PROFILE=quick .venv-other/bin/python -m pytest -n $(WORKERS) $(OTHER_TESTS)

# One after the other: side by side they take as long on two cores, and what waits for a deadline meets busy ones.
check: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(MAKE) test-package
	$(MAKE) types
	$(MAKE) check-integrations

types: .venv/installed
	$(BIN)/mypy

check-integrations: $(INTEGRATIONS:=/.venv/installed)
	for one in $(INTEGRATIONS); do (cd $$one && .venv/bin/mypy && .venv/bin/python -m pytest) || exit 1; done

bench: .venv/installed
	$(BIN)/contextprune bench

# Every package with the hashes of its files, for `pip install --require-hashes`; the versions are those of constraints.txt.
LOCK := .venv-supply/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	-c constraints.txt
RUN_EXTRAS := code images mcp otel prices proxy redis
locks: .venv-supply/installed
	$(LOCK) pyproject.toml $(RUN_EXTRAS:%=--extra %) -o supply/run.txt
	$(LOCK) pyproject.toml --extra torch -o supply/model.txt
	$(LOCK) supply/model-cpu.in -o supply/model-cpu.txt
	$(LOCK) pyproject.toml --extra code --extra dev -o supply/test.txt
	$(LOCK) supply/tools.in -o supply/tools.txt

# What an install with all extras brings, with licences, as CycloneDX: build/sbom.json.
INTO_SBOM := .venv-supply/bin/python -m pip --python .venv-sbom/bin/python --disable-pip-version-check install -q
sbom: .venv-supply/installed
	rm -rf .venv-sbom
	$(PYTHON) -m venv --without-pip .venv-sbom
	$(INTO_SBOM) --require-hashes -r supply/run.txt -r supply/model-cpu.txt
	$(INTO_SBOM) -c constraints.txt $(TORCH)
	$(INTO_SBOM) -c constraints.txt '.[sentence-transformers,train,bench]'
	mkdir -p build
	.venv-supply/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --spec-version 1.6 \
		-o build/sbom.json .venv-sbom/bin/python
	$(PYTHON) supply/sbom.py build/sbom.json

clean:
	rm -rf build dist .venv-other .venv-supply .venv-sbom $(foreach part,. $(INTEGRATIONS),$(addprefix $(part)/,.mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .venv))

# torch first and alone: whatever build satisfies the pin stays, and nothing that comes later chooses another.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP) -c constraints.txt $(TORCH)
	$(BIN)/$(PIP) -c constraints.txt -e '.[code,torch,sentence-transformers,train,dev]'
	touch $@

.venv-supply/installed: supply/tools.txt
	$(PYTHON) -m venv --clear .venv-supply
	.venv-supply/bin/$(PIP) --require-hashes -r supply/tools.txt
	touch $@

.venv-other/installed: pyproject.toml constraints.txt
	$(OTHER) -m venv --clear .venv-other
	.venv-other/bin/$(PIP) -c constraints.txt -e '.[code,dev]'
	touch $@

# Each in an environment of its own, since the frameworks' pins are not ours.
$(LANGCHAIN)/.venv/installed: $(LANGCHAIN)/pyproject.toml pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LANGCHAIN)/.venv
	$(LANGCHAIN)/$(BIN)/$(PIP) -c constraints.txt $(TORCH)
	$(LANGCHAIN)/$(BIN)/$(PIP) -c constraints.txt -e '.[torch]' -e '$(LANGCHAIN)[test,prices]'
	touch $@

$(LLAMAINDEX)/.venv/installed: $(LLAMAINDEX)/pyproject.toml pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LLAMAINDEX)/.venv
	$(LLAMAINDEX)/$(BIN)/$(PIP) -c constraints.txt $(TORCH)
	$(LLAMAINDEX)/$(BIN)/$(PIP) -c constraints.txt -e '.[torch]' -e '$(LLAMAINDEX)[dev]'
	touch $@
