# make run   the demo on the embedded log      make test   every test but Kafka's and the browser's
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
PYTEST := $(BIN)/python -m pytest

.PHONY: run test test-kafka test-browser pictures bench lint format types check clean

run: $(VENV)/.run
	$(BIN)/streamproc demo

test: $(VENV)/.test
	$(PYTEST) -n 2 -m "not kafka and not browser"

test-kafka: $(VENV)/.test
	$(PYTEST) -n 3 --dist worksteal tests/kafka

test-browser: $(VENV)/.browser
	$(PYTEST) -n 2 --dist worksteal -m browser tests/web

pictures: $(VENV)/.browser
	RENEW_PICTURES=1 $(PYTEST) tests/web/test_pictures.py

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.browser
	$(BIN)/mypy

check: lint types test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "streamproc needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one, or name it: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing into $(VENV): about a minute"
	$(PIP) -e .
	@touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "installing into $(VENV): about two minutes"
	$(PIP) -e '.[test]'
	@touch $@ $(VENV)/.run

$(VENV)/.browser: $(VENV)/.test
	$(PIP) -e '.[test,browser]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
