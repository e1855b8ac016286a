# Every target makes the virtual environment it needs; `make check` is what a change must pass.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := python -m pip install --disable-pip-version-check -q
LANGCHAIN := integrations/langchain-contextprune
LLAMAINDEX := integrations/llama-index-postprocessor-contextprune
INTEGRATIONS := $(LANGCHAIN) $(LLAMAINDEX)

.PHONY: demo test check bench clean

# Compress a real agent session to 40 % and show what was kept and why: a table here, the text in build/demo.html.
demo: .venv/installed
	mkdir -p build
	$(BIN)/contextprune compress examples/data/swe.json --budget 0.4 --html build/demo.html -o /dev/null
	@echo "What was kept, what went and why: open build/demo.html"

test: .venv/installed $(INTEGRATIONS:=/.venv/installed)
	$(BIN)/pytest -n 2
	for one in $(INTEGRATIONS); do (cd $$one && .venv/bin/python -m pytest) || exit 1; done

check: .venv/installed $(INTEGRATIONS:=/.venv/installed)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -n 2
	for one in $(INTEGRATIONS); do (cd $$one && .venv/bin/mypy && .venv/bin/python -m pytest) || exit 1; done

bench: .venv/installed
	$(BIN)/contextprune bench

clean:
	rm -rf build dist $(foreach part,. $(INTEGRATIONS),$(addprefix $(part)/,.mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .venv))

# torch first and alone: whatever build satisfies the pin stays, and nothing that comes later chooses another.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/$(PIP) -c constraints.txt torch
	$(BIN)/$(PIP) -c constraints.txt -e '.[code,torch,sentence-transformers,train,dev]'
	touch $@

# Each in an environment of its own, since the frameworks' pins are not ours.
$(LANGCHAIN)/.venv/installed: $(LANGCHAIN)/pyproject.toml pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LANGCHAIN)/.venv
	$(LANGCHAIN)/$(BIN)/$(PIP) -c constraints.txt -e . -e '$(LANGCHAIN)[test,prices]'
	touch $@

$(LLAMAINDEX)/.venv/installed: $(LLAMAINDEX)/pyproject.toml pyproject.toml constraints.txt
	$(PYTHON) -m venv $(LLAMAINDEX)/.venv
	$(LLAMAINDEX)/$(BIN)/$(PIP) -c constraints.txt torch
	$(LLAMAINDEX)/$(BIN)/$(PIP) -c constraints.txt -e '.[torch]' -e '$(LLAMAINDEX)[dev]'
	touch $@
