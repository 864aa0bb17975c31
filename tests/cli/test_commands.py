"""Each command, as a user runs it."""

import json
import re
import subprocess
import sys

import psycopg
import pytest

from pgbraid import __version__
from pgbraid.cli.parser import COMMANDS
from pgbraid.model.migration import LedgerTable
from tests.fixtures.folders import add_gap


def test_gap_is_applied_and_reported(cli, incident):
    answer = cli("up", code=0)
    assert re.fullmatch(
        r"  101_users +[\d.]+ ms\n  102_orders +[\d.]+ ms\n  104_index +[\d.]+ ms\n"
        r"3 migrations applied in [\d.]+ ms\.\n",
        answer.out,
    )
    assert cli("up", code=0).out == "Nothing to do: 3 migrations applied.\n"
    add_gap(incident)
    assert cli("check", code=1).err == (
        "ERROR:  103_add_email is not applied, although a higher version is\n"
        "HINT:  Apply it with `pgbraid up`.\n"
    )
    assert cli("plan", code=0).out == (
        " version |   name    | state\n"
        "---------+-----------+-------\n"
        "     103 | add_email | gap\n"
        "1 migration to apply, 1 gap among them.\n"
    )
    assert re.search(
        r"  103_add_email  gap +[\d.]+ ms\n1 migration applied \(1 gap\)", cli("up", code=0).out
    )
    assert cli("check", code=0).out == "yes: 4 migrations applied, all files match, unchanged.\n"


def test_up_with_to_and_dry_run(cli, incident, database):
    add_gap(incident)
    assert "2 migrations left above --to." in cli("up", "--to", "102", code=0).out
    dry = cli("up", "--dry-run", code=0)
    assert "Dry run: 2 of 2 migrations ran, 0 failed; nothing was kept." in dry.out
    assert database.versions() == [101, 102]
    incident.put("105_bad.sql", "SELECT 1;\nSELECT emial").put("106_bad.sql", "SELEC")
    answer = cli("up", "--dry-run", code=3)
    assert "migrations/105_bad.sql:2:8: ERROR:" in answer.err
    assert "migrations/106_bad.sql:1:1: ERROR:" in answer.err
    document = cli("up", "--dry-run", "--json", code=3).json
    assert [f["version"] for f in document["failures"]] == [105, 106]
    assert cli("up", "--to", "103_add_email", code=0)
    assert database.versions() == [101, 102, 103]


def test_new_takes_next_free_version(program, folder):
    assert program("new", "Add users", code=0).out == "migrations/001_add_users.sql\n"
    assert program("new", "add orders", code=0).out == "migrations/002_add_orders.sql\n"
    folder.put("0009_x.up.sql", "SELECT 1")
    assert program("new", "y", code=0).out.splitlines() == [
        "migrations/0010_y.up.sql",
        "migrations/0010_y.down.sql",
    ]
    made = program("new", "z", "--timestamp", "--json", code=0).json["files"]
    assert re.fullmatch(r"migrations/\d{14}_z\.up\.sql", made[0])
    following = program("new", "w", code=0).out
    assert re.match(r"migrations/\d{14}_w", following)
    assert program("new", "v", "--sequential", code=0).out == (
        "migrations/0011_v.up.sql\nmigrations/0011_v.down.sql\n"
    )


@pytest.mark.parametrize("name", ["!!!", "", "///"])
def test_new_needs_name(program, name):
    assert "has no letter or digit for a file name" in program("new", name, code=2).err


def test_repair_and_undo_change_ledger(cli, folder, database):
    folder.put("1_a.up.sql", "CREATE TABLE a ()").put("1_a.down.sql", "DROP TABLE a")
    folder.put("2_b.up.sql", "SELECT 2")
    cli("up", code=0)
    folder.put("2_b.up.sql", "SELECT 2 -- two").put("1_a.up.sql", "CREATE TABLE a (x int)")
    assert "name the versions to repair or use --all" in cli("repair", code=2).err
    assert cli("repair", "--all", code=0).out == (
        "  1_a: statements changed\n"
        "  2_b: comments or white space changed\n"
        "2 migrations repaired; the journal keeps the old checksums.\n"
    )
    assert cli("repair", "--all", code=0).out == "Nothing to repair.\n"
    assert "needs a confirmation" in cli("undo", "1", code=2).err
    assert database.versions() == [1, 2]
    assert "1_a undone in" in cli("undo", "1", "--yes", code=0).out
    assert cli("undo", "1", "--yes", code=2).err.startswith("ERROR:  1 is not applied")
    assert "has no down file" in cli("undo", "2", "--yes", code=2).err
    assert database.versions() == [2]
    assert cli("undo", "2", "--yes", "--json", code=2).json["error"]["type"] == "ConfigError"


def test_schema_table_dir_and_config(cli, folder, database, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "pgbraid.toml").write_text('schema = "app"\ntable = "versions"')
    cli("up", code=0)
    assert database.versions("app.versions") == [1]
    cli("up", "--schema", "other", "--ledgers", "many", code=0)
    assert database.versions("other.versions") == [1]
    (tmp_path / "elsewhere.toml").write_text(
        'schema = "third"\ndir = "migrations"\nledgers = "many"'
    )
    cli("--config", "elsewhere.toml", "up", "--table", "t", code=0)
    assert database.versions("third.t") == [1]
    assert "does not exist" in cli("up", "--dir", "nowhere", code=2).err


def test_lock_that_is_held_is_exit_code_4(cli, incident, database):
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        answer = cli("up", "--lock-wait", "0.1", code=4)
    assert answer.err.startswith("ERROR:  another run holds the migration lock; waited 0.1 s")
    assert "DETAIL:  It is held by process" in answer.err


def test_no_connection_is_exit_code_4(program, folder):
    folder.put("1_a.sql", "SELECT 1")
    answer = program("up", "--database", "postgresql://127.0.0.1:1/db", code=4)
    assert "ERROR:  cannot connect to 127.0.0.1:1/db" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command given"),
        (["nonsense"], "unknown command 'nonsense'"),
        (["up", "--nonsense"], "unknown option --nonsense"),
        (["up", "--to", "x"], "'x' is not a version number"),
        (["up", "--to", "99999999999999999999"], "is not a version number"),
        (["up", "--lock-wait", "soon"], "a duration such as 500ms, 2s or 10min, not 'soon'"),
        (["up", "--lock-wait", "-1"], "lock_wait must be a number of seconds"),
        (["up", "--database", "mysql://h/d"], "begins with mysql://"),
        (["up", "--database", "postgresql://h/d", "--embedded"], "not allowed with argument"),
        (["up"], "no database is named"),
        (["undo"], "the following arguments are required: VERSION"),
        (["up", "--config", "none.toml"], "cannot read the settings file"),
        (["repair", "1", "--all"], "name the versions to repair or use --all"),
        (["adopt", "--drop-tracker", "--not-applied", "1"], "not allowed with argument"),
    ],
)
def test_usage_errors_are_exit_code_2(program, folder, words, message):
    folder.put("1_a.sql", "SELECT 1")
    answer = program(*words, code=2)
    assert message in answer.err
    assert "HINT:" in answer.err
    if words and "--json" not in words:
        document = program(*words, "--json", code=2).json
        assert message in document["error"]["message"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(program, command):
    out = program(command.name, "--help", code=0).out
    assert out.startswith(f"usage: pgbraid {command.name}")
    assert len(" ".join(out.split("\n\n")[1:3])) > 100
    assert command.summary in " ".join(program("--help", code=0).out.split())


def test_version_is_printed(program):
    assert program("--version", code=0).out == f"pgbraid {__version__}\n"


def test_check_offline_and_new_import_no_driver(program, folder):
    folder.put("1_a.sql", "SELECT 1")
    script = (
        "import sys; from pgbraid.cli import main; code = main(sys.argv[1:]);"
        "bad = sorted(m for m in sys.modules if m.split('.')[0] in ('psycopg', 'asyncio'));"
        "print(bad, code)"
    )
    for words in (["check", "--offline"], ["new", "b"]):
        answer = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=program.cwd,
            env=program.env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.server
def test_embedded_keeps_its_folder(program, folder, tmp_path):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    assert "1 migration applied" in program("up", "--embedded", "db", code=0).out
    assert program("up", "--embedded", "db", code=0).out == "Nothing to do: 1 migration applied.\n"
    assert program("--embedded", "db", "check", "--json", code=0).json["answer"] == "yes"
    assert "1 migration applied" in program("--embedded", "up", code=0).out
    assert (
        "contains files that do not belong" in program("up", "--embedded", "migrations", code=4).err
    )


@pytest.mark.server
def test_demo_fits_on_one_screen(program):
    answer = program("demo", code=0)
    assert len(answer.out.splitlines()) <= 24
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "103 is below 104" in answer.out
    assert 'ERROR:  column "email" does not exist' in answer.out
    document = program("demo", "--json", code=0).json
    assert document["counter"] == {
        "first": [101, 102, 104],
        "then": [],
        "error": 'column "email" does not exist',
    }
    assert document["pgbraid"] == {"first": [101, 102, 104], "then": [103], "error": None}


def test_no_programs_are_clear_error(program, tmp_path):
    answer = program("demo", env={"PGBRAID_PG_BIN": str(tmp_path)}, code=4)
    assert "has no programs initdb and postgres" in answer.err
    assert json.loads(program("demo", "--json", env={"PGBRAID_PG_BIN": "/x"}).out)["ok"] is False
