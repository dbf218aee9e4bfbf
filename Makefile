# `make demo` and `make test` set up everything they need; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
# Where UV names a program of uv, it installs in seconds; pip is what everybody has.
INSTALL = $(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python -m pip install --disable-pip-version-check) --quiet
# One more than there are processors: a test often waits for a process of its own.
WORKERS = $(shell $(BIN)/python -c 'import os; print(min((os.cpu_count() or 1) + 1, 5))')

# Python is started some hundred times; without bytecode each start compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test golden lint fix bench check cases sdk sdk-check modules fuzz mutants soak dist clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## Show the whole job on a built-in sample
	@$(BIN)/autobump demo
	@echo 'Next: "See your own repository" in README.md'

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGUMENTS)

golden: $(READY) ## Write the texts in tests/golden, and schema and reference of the settings, anew; review the diff
	AUTOBUMP_GOLDEN=write $(BIN)/python -m pytest -q tests/pull_requests tests/settings/test_schema.py tests/settings/test_page.py

lint: $(READY) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(READY) ## Mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sdk: $(READY) ## Install what sdk-check needs beside it
	$(BIN)/python -m tests.demisto_sdk

sdk-check: $(READY) ## Let demisto-sdk validate pull requests made from real content
	$(BIN)/python -m tests.sdk_check

cases: $(READY) ## Run the situations from public bug reports in AUTOBUMP_CASES=folder
	$(BIN)/python -m tests.cases

modules: $(READY) ## Read the wheels in WHEELS=folder and bring images/inside/modules.json up to date
	$(BIN)/python -m tests.module_table $(WHEELS)

bench: $(READY) ## Measure, and write build/bench.json and build/bench.svg
	$(BIN)/python -m benchmarks

fuzz: $(READY) ## Fuzz every reader of outside text for SECONDS=180 each
	$(INSTALL) -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m fuzz all --seconds $(or $(SECONDS),180)

mutants: $(READY) ## Tell which small changes to the code that decides no test notices
	$(INSTALL) -c constraints.txt -e '.[mutants]'
	$(BIN)/python -m tests.mutants $(MODULES)

soak: $(READY) ## Make PASSES=500 passes through faults of every kind from SEED=1, and compare the end
	$(BIN)/python -m tests.soak --passes $(or $(PASSES),500) --seed $(or $(SEED),1)

dist: ## Build sdist and wheel into dist, and try the wheel
	PYTHON=$(PYTHON) .ci/build

check: lint test cases sdk-check ## What CI runs

clean: ## Remove what was set up
	rm -rf $(VENV) .sdk-venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamp is older than its inputs after an edit to either, and then the environment is brought up to date.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "autobump needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Setting up $(VENV), which takes about a minute"
	$(PYTHON) -m venv $(if $(UV),--without-pip) $(VENV)
	$(INSTALL) -c constraints.txt --upgrade pip
	$(INSTALL) -c constraints.txt -e '.[dev]'
	@touch $@
