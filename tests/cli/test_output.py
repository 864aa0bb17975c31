"""Tables, errors, warnings and JSON documents that the commands print."""

import os
import re

import psycopg
import pytest

from pgbraid.model.migration import LedgerTable
from tests.fixtures.folders import add_gap


def test_status_is_table_as_psql_prints_it(cli, incident):
    cli("up", code=0)
    add_gap(incident)
    incident.write(_105_x="SELECT 1", _104_index="CREATE INDEX other ON orders (id)").remove(
        "101_users.sql"
    )
    lines = cli("status", code=0).out.splitlines()
    assert lines[0].split("|")[0].strip() == "version"
    assert re.fullmatch(r"-+\+-+\+-+\+-+", lines[1])
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:-1]]
    assert [row[:3] for row in cells] == [
        ["101", "users", "missing file"],
        ["102", "orders", "applied"],
        ["103", "add_email", "gap"],
        ["104", "index", "modified"],
        ["105", "x", "pending"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d(?::\d\d)?", cells[0][3])
    assert lines[-1] == "(5 versions: 1 applied, 1 pending, 1 gap, 1 modified, 1 missing file)"


def test_json_names_gaps(cli, incident):
    cli("up", code=0)
    add_gap(incident)
    plan = cli("plan", "--json", code=0).json
    gap = {
        "version": 103,
        "name": "add_email",
        "file": "migrations/103_add_email.sql",
        "gap": True,
        "incomplete": False,
    }
    assert (plan["gaps"], plan["pending"]) == ([gap], [gap])
    states = cli("status", "--json", code=0).json["migrations"]
    assert [row["state"] for row in states] == ["applied", "applied", "gap", "applied"]
    up = cli("up", "--json", code=0).json
    assert [(m["version"], m["gap"]) for m in up["applied"]] == [(103, True)]


def test_error_reads_as_psql_prints_it(cli, folder):
    folder.put(
        "1_a.sql",
        "CREATE TABLE users (id int);\r\n-- 日本\r\n\tSELECT 'é日' AS x, emial\r\n  FROM users;",
    )
    answer = cli("up", code=3)
    assert answer.err == (
        'migrations/1_a.sql:3:20: ERROR:  column "emial" does not exist\n'
        "LINE 3:  SELECT 'é日' AS x, emial\n"
        "                            ^\n"
        "1_a was rolled back; nothing was applied. Fix the file, then run `pgbraid up` again.\n"
    )
    assert "ERROR:  42703: column" in cli("up", "-v", code=3).err


def test_long_line_is_cut_round_error(cli, folder):
    folder.put("1_a.sql", "SELECT " + "1, " * 100 + "emial, " + "2, " * 99 + "2")
    lines = cli("up", code=3).err.splitlines()
    assert lines[1].startswith("LINE 1: ...")
    assert lines[1].endswith("...")
    assert len(lines[1]) < 100
    assert lines[1][lines[2].index("^") :].startswith("emial")


def test_detail_hint_context_and_notices_are_shown(cli, folder):
    folder.put(
        "1_a.sql",
        "DO $$ BEGIN RAISE NOTICE 'look\there'; RAISE EXCEPTION 'no' USING DETAIL = 'd', HINT ="
        " 'h'; END $$",
    )
    err = cli("up", code=3).err.splitlines()
    assert err[0] == "migrations/1_a.sql: NOTICE:  look\there"
    assert [line.split(":")[0] for line in err[1:6]] == [
        "migrations/1_a.sql",
        "LINE 1",
        "DETAIL",
        "HINT",
        "CONTEXT",
    ]


def test_warning_does_not_stop_up(cli, folder):
    folder.put("1_a.sql", "SELECT 1").put("V2__b.sql", "SELECT 1")
    answer = cli("up", code=0)
    assert "WARNING:  V2__b.sql looks like a migration, but is not one" in answer.err
    assert "HINT:  Rename it to 2_b.sql" in answer.err
    assert "looks like a migration, but is not one" in cli("check", code=1).err


def test_many_warnings_of_one_kind_are_folded(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    for n in range(20):
        folder.put(f"V{n}__b.sql", "")
    err = cli("up", code=0).err
    assert err.count("looks like a migration") == 5
    assert "WARNING:  15 more of the kind near miss; --json lists all" in err


def test_silent_up_prints_only_problems(cli, incident):
    answer = cli("up", "-q", code=0)
    assert (answer.out, answer.err) == ("", "")
    incident.put("105_x.sql", "SELEC")
    assert "ERROR:" in cli("-q", "up", code=3).err


def test_verbose_names_database(cli, incident):
    assert "database: " in cli("up", "-v", code=0).err


def test_every_json_document_has_same_head(cli, incident):
    for words in (
        ["up"],
        ["plan"],
        ["status"],
        ["check"],
        ["repair", "--all"],
        ["check", "--offline"],
    ):
        document = cli(*words, "--json", code=0).json
        assert (document["command"], document["ok"], document["exit_code"]) == (words[0], True, 0)
        assert list(document)[:4] == ["format", "command", "ok", "exit_code"]
        assert document["notices"] == []


def test_failure_in_json_lists_applied_versions(cli, incident):
    incident.put("105_bad.sql", "SELECT 1;\nSELECT emial")
    document = cli("up", "--json", code=3).json
    assert [m["version"] for m in document["applied"]] == [101, 102, 104]
    assert document["error"]["diagnostic"]["location"] == {
        "file": "migrations/105_bad.sql",
        "line": 2,
        "column": 8,
    }


def test_wait_for_lock_is_reported(cli, folder, database):
    folder.write(_1_a="SELECT 1")
    with psycopg.connect(database.conninfo, autocommit=True, application_name="other") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        answer = cli("up", "--lock-wait", "2", code=4)
    assert "waiting for the lock, held by process" in answer.err
    assert "(other), role postgres" in answer.err


def test_many_missing_files_are_one_warning(cli, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 1", _3_c="SELECT 1", _4_d="SELECT 1")
    cli("up", code=0)
    for name in ("1_a.sql", "2_b.sql", "3_c.sql"):
        folder.remove(name)
    err = cli("up", code=0).err
    assert err.count("WARNING:") == 1
    assert "3 applied versions have no file here: 1, 2, 3" in err


def test_names_with_line_breaks_do_not_break_table(cli, folder):
    folder.put("1_a\nb.sql", "SELECT 1").put("2_c\td.sql", "SELECT 1")
    lines = cli("status", code=0).out.splitlines()
    assert len(lines) == 5
    assert "a\\x0ab" in lines[2]


def test_nontransactional_statement_gets_hint(cli, folder):
    folder.put("1_a.sql", "CREATE TABLE t (x int)").put(
        "2_b.sql", "CREATE INDEX CONCURRENTLY i ON t (x); SELECT 1"
    )
    answer = cli("up", code=1)
    assert "2_b.sql:1:1: ERROR:  CREATE INDEX CONCURRENTLY cannot run inside" in answer.err
    assert "HINT:  Write `-- pgbraid: no-transaction` on the first line of the file" in answer.err


def test_lost_connection_names_migration(cli, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_terminate_backend(pg_backend_pid())")
    err = cli("up", code=4).err
    assert "DETAIL:  2_b was in progress; it was rolled back." in err


def test_usage_errors_name_their_command(program):
    answer = program("up", "--nonsense", code=2)
    assert "HINT:  Run `pgbraid up --help`." in answer.err
    assert program("up", "--nonsense", "--json", code=2).json["command"] == "up"


@pytest.mark.parametrize("name", [b"1_\xff.sql", b"V1_\xff.sql", b"1_\xe2\x80\xae.sql"])
def test_json_is_one_document_for_any_file_name(program, folder, name):
    folder.write(_2_b="SELECT 1")
    try:
        (folder.path / os.fsdecode(name)).write_text("SELECT 1")
    except OSError:
        pytest.skip("this file system has no such names")
    answer = program("check", "--offline", "--json")
    assert answer.out.isascii()
    assert answer.json["command"] == "check"
    program("check", "--offline")


def test_refused_commit_is_not_reported_as_incomplete(cli, folder):
    folder.put("1_a.up.sql", "CREATE TABLE a ()")
    folder.put("1_a.down.sql", "DO $$ BEGIN DROP TABLE a; COMMIT; END $$")
    cli("up", code=0)
    assert "1_a stays applied" in cli("undo", "1", "--yes", code=3).err
    folder.put("2_b.sql", "DO $$ BEGIN COMMIT; END $$")
    assert "2_b was rolled back" in cli("up", code=3).err
