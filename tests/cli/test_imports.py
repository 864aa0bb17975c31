"""A call imports only the modules that it uses."""

import json
import subprocess
import sys

import pytest

PROBE = """
import sys
before = set(sys.modules)
sys.argv = ["pgbraid", *{words!r}]
from pgbraid.cli import main
try:
    main()
except SystemExit:
    pass
loaded = sorted(set(sys.modules) - before)
import json
print("\\n" + json.dumps(loaded))
"""
DRIVER = {"psycopg", "psycopg_binary", "asyncio", "ssl", "pgbraid.postgres", "pgbraid.api"}
HEAVY = {"typing", "dataclasses", "inspect", "pathlib", "json", "logging", "tomllib", "datetime"}
TEXTS = {"pgbraid.sql.lexer", "pgbraid.sql.parser", "pgbraid.sql.checks.script_checks", "difflib"}
WORK = TEXTS | {
    "pgbraid.migrate.execution.locked_steps",
    "pgbraid.migrate.runner",
    "pgbraid.migrate.execution.transactional",
    "pgbraid.migrate.planning.preflight_checks",
    "pgbraid.importers.tools",
    "pgbraid.migrate.dry_run",
    "pgbraid.migrate.repair",
    "pgbraid.aio",
    "pgbraid.model.results",
    "pgbraid.model.events",
    "pgbraid.source.checksum_file",
    "pgbraid.postgres.ledger.record",
    "pgbraid.postgres.server.embedded",
}


def modules(program, *words):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(words=list(words))],
        cwd=program.cwd,
        env=program.env,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["up", "--help"]])
def test_help_and_version_import_next_to_nothing(program, words):
    loaded = modules(program, *words)
    assert not loaded & (DRIVER | WORK | HEAVY)
    assert {name for name in loaded if name.startswith("pgbraid")} <= {
        *("pgbraid", "pgbraid._version", "pgbraid.cli", "pgbraid.cli.commands"),
        *("pgbraid.cli.run", "pgbraid.cli.commands.up", "pgbraid.model", "pgbraid.model.errors"),
        *("pgbraid.cli.parser", "pgbraid.cli.quick"),
        *("pgbraid.settings", "pgbraid.settings.defaults", "pgbraid.settings.environment"),
    }


def test_version_alone_imports_no_parser(program):
    loaded = modules(program, "--version")
    assert {name for name in loaded if name.startswith("pgbraid")} == {
        *("pgbraid", "pgbraid._version", "pgbraid.cli"),
    }
    assert "argparse" not in loaded


def test_new_file_needs_neither_driver_nor_texts(program):
    assert not modules(program, "new", "a") & (DRIVER | WORK | {"pgbraid.model.migration"})


def test_check_of_files_alone_needs_no_driver(program, folder):
    folder.write(_1_a="SELECT 1")
    assert not modules(program, "sum") & (DRIVER | TEXTS)
    for words in (["--offline"], ["--offline", "--sum"]):
        loaded = modules(program, "check", *words)
        assert "pgbraid.sql.checks.script_checks" in loaded
        assert ("pgbraid.source.checksum_file" in loaded) == ("--sum" in words)
        assert not loaded & DRIVER


def test_check_of_branch_needs_no_driver(program, branch):
    loaded = modules(program, "check", "--base", "main")
    assert "pgbraid.migrate.branch_check" in loaded
    assert not loaded & DRIVER


@pytest.mark.parametrize("command", ["up", "check", "status"])
def test_run_without_work_imports_neither_driver_nor_parser(cli, folder, command):
    folder.write(_1_a="SELECT 1", _2_b="CREATE TABLE b ()")
    cli("up", code=0)
    loaded = modules(cli, command)
    assert not loaded & (DRIVER - {"pgbraid.postgres"} | WORK | {"argparse", "dataclasses"})


def test_only_wait_imports_its_modules(cli, folder):
    folder.write(_1_a="SELECT 1")
    cli("up", code=0)
    waits = {"pgbraid.migrate.wait", "pgbraid.postgres.client.patient_connect"}
    assert waits <= modules(cli, "wait", "--timeout", "1")  # an option of the parser
    assert not waits & modules(cli, "up")
    assert not waits & modules(cli, "check")
    assert "pgbraid.migrate.planning.preflight_checks" not in modules(cli, "wait", "--timeout", "1")


@pytest.mark.parametrize("command", ["up", "plan", "check"])
def test_run_without_work_imports_no_modules_that_apply(cli, folder, command):
    folder.write(_1_a="SELECT 1", _2_b="CREATE TABLE b ()")
    cli("up", code=0)
    loaded = modules(cli, command, "--verbose")  # an option that only the parser knows
    assert "psycopg" in loaded
    allowed = {"pgbraid.model.results"} if command != "up" else set()
    assert not loaded & (WORK - allowed)


@pytest.mark.parametrize("words", [["up", "-v"], ["plan"], ["status", "-v"], ["report", "--json"]])
def test_only_the_page_itself_imports_its_library(cli, folder, words):
    folder.write(_1_a="SELECT 1")
    cli("up", code=0)
    loaded = modules(cli, *words)
    assert "jinja2" not in loaded
    assert any(name.startswith("pgbraid.page.") for name in loaded) == (words[0] == "report")


def test_renumbering_without_database_needs_no_driver(program, branch):
    loaded = modules(program, "renumber", "--base", "main")
    assert "pgbraid.migrate.renumber" in loaded
    assert not loaded & DRIVER
