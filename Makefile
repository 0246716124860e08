# Everything a contributor or CI does, from a clean clone with Python 3.11+ and Git alone.
# `make help` lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The first interpreter that is new enough and really runs; or say make PYTHON=/path/to/python3.12
PYTHON ?= $(shell scripts/python)
# Extra words for pytest: make test TESTS=tests/unit ARGUMENTS="-k yaml"
TESTS ?= tests
ARGUMENTS ?=
# Many tests wait for a forge or a browser, so there is work for more workers than processors.
WORKERS ?= $(shell expr 2 \* `getconf _NPROCESSORS_ONLN`)

.PHONY: help install engines browser demo test unit lint format docs lock bench clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

install: $(READY) ## Create .venv from the locked requirements, with the package in it

$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer with venv is needed; say make PYTHON=/path/to/it" >&2; exit 1; }
	@echo "make: installing into $(VENV) with $(PYTHON), by the hashes of requirements/dev.txt"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/gitops-gate --version
	@touch $(READY)

engines: ## Bring Helm, Kustomize, OPA and kubeconform into the cache folder
	@$(PYTHON) scripts/engines

demo: $(READY) ## Check a denied and a corrected change of an example repository
	@$(PYTHON) scripts/engines helm kustomize
	@PYTHON=$(BIN)/python scripts/demo

browser: ## Bring the npm packages and the Chromium that the tests use
	@scripts/browser-and-node

test: $(READY) engines browser ## Run all tests, with the real engines
	@echo "make: running $(TESTS)"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGUMENTS) $(TESTS)

unit: $(READY) ## Run the quick tests alone
	@$(BIN)/python -m pytest -m "not slow and not engine" $(ARGUMENTS) tests/unit

lint: $(READY) ## Check style, docstrings, format, types and import directions
	@echo "make: style and docstrings (ruff check)"
	@$(BIN)/ruff check
	@echo "make: format (ruff format --check)"
	@$(BIN)/ruff format --check
	@echo "make: types (mypy)"
	@$(BIN)/mypy gitops_gate tests $(wildcard benchmarks)
	@$(BIN)/mypy --strict scripts/engines
	@$(BIN)/mypy --strict scripts/docs
	@echo "make: import directions (lint-imports)"
	@$(BIN)/lint-imports --no-cache

format: $(READY) ## Put the code into the common form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(READY) ## Write the parts of the documentation that are made from the code
	@$(BIN)/python scripts/docs

lock: $(READY) ## Write requirements/*.txt anew from pyproject.toml (UPGRADE=1 for newer versions)
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/lock $(if $(UPGRADE),--upgrade)

bench: $(READY) ## Measure against kubeconform and conftest
	@$(PYTHON) scripts/engines --benchmarks
	@$(BIN)/python benchmarks/run.py

clean: ## Remove what was built here; .venv and the engines stay
	@rm -rf build dist demo-output .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@echo "make: clean"
