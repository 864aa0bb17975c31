"""Files that are read and sent in parts."""

import hashlib

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import MigrationFailed, ProblemsFound
from pgbraid.model.events import FileProgress
from pgbraid.source import files
from pgbraid.sql import stream

ROWS = "".join(f"INSERT INTO t VALUES ({n}, 'row; {n}');\n" for n in range(500))
COPY = "".join(f"{n}\trow {n}\n" for n in range(1000, 3000))
TEXT = f"""\
BEGIN;
CREATE TABLE t (a int PRIMARY KEY, b text);
{ROWS}COPY t (a, b) FROM stdin;
{COPY}\\.
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2 $$;
COPY t FROM stdin;
\\.
COMMENT ON TABLE t IS 'é';
COMMIT;
"""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(files, "LARGE_SCRIPT_BYTES", 5000)
    monkeypatch.setattr("pgbraid.source.content.LARGE_SCRIPT_BYTES", 5000)
    monkeypatch.setattr(files, "_CHUNK_BYTES", 700)
    monkeypatch.setattr(stream, "_WINDOW", 512)


def test_large_file_runs_and_is_recorded_whole(database):
    emitted = []
    report = pgbraid.load({"1_a.sql": TEXT}).up(database.conninfo, on_event=emitted.append)
    assert [o.migration.version for o in report.applied] == [1]
    assert database.value("SELECT count(*) FROM t") == 2500
    assert database.value("SELECT obj_description('t'::regclass)") == "é"
    checksum = database.value("SELECT checksum FROM applied_migrations")
    assert checksum == hashlib.sha256(TEXT.encode()).hexdigest()
    reported = [event.sent for event in emitted if isinstance(event, FileProgress)]
    assert reported == sorted(set(reported))
    assert len(reported) > 10
    assert reported[-1] <= len(TEXT.encode())


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("wrong", "line", "column", "excerpt"),
    [
        ("INSERT INTO t VALUES (1, 'again');", 4504, None, "INSERT INTO t VALUES (1, 'again');"),
        ("SELECT  nothing;", 4504, 9, "SELECT  nothing;"),
        ("SELECT 1; SELEC 2;", 4504, 11, "SELECT 1; SELEC 2;"),
        ("COPY t FROM stdin;\n3001\tx\n1\ty\n\\.\n", 4504, None, "COPY t FROM stdin;"),
    ],
)
def test_error_names_its_place_and_nothing_is_kept(database, dry_run, wrong, line, column, excerpt):
    text = f"CREATE TABLE t (a int PRIMARY KEY, b text);\n{ROWS}"
    text += f"COPY t FROM stdin;\n{COPY}\\.\n\n" + "-- é\n" * 1998 + f"\n{wrong}\n{ROWS}"
    migrator = pgbraid.load({"1_a.sql": text})
    if dry_run:
        ((_, message),) = migrator.up(database.conninfo, dry_run=True).failures
    else:
        with pytest.raises(MigrationFailed) as caught:
            migrator.up(database.conninfo)
        message = caught.value.diagnostic
    assert (message.location.line, message.excerpt) == (line, excerpt)
    if column:
        assert message.location.column == column
    assert database.value("SELECT to_regclass('t') IS NULL")
    assert database.versions() == [] if not dry_run else True


def test_refused_statement_at_end_of_large_file_is_found(database):
    text = f"CREATE TABLE t (a int, b text);\n{ROWS}COMMIT;\n"
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    (problem,) = caught.value.problems
    assert (problem.code, problem.location.line) == ("transaction_control", 502)


def test_large_file_that_changes_as_it_runs_is_rolled_back(database, folder):
    folder.put("1_a.sql", f"CREATE TABLE t (a int, b text);\n{ROWS}")

    def edit(event):
        if isinstance(event, FileProgress):
            folder.put("1_a.sql", f"CREATE TABLE t (a int, b text);\n{ROWS}-- more\n")

    with pytest.raises(ProblemsFound) as caught:
        folder.load().up(database.conninfo, on_event=edit)
    assert [p.code for p in caught.value.problems] == ["changed_during_run"]
    assert database.value("SELECT to_regclass('t') IS NULL")
    assert database.versions() == []


def test_other_line_ends_are_no_drift_of_large_file_and_another_text_is(database):
    text = f"CREATE TABLE t (a int, b text);\n{ROWS}"
    pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    windows = text.replace("\n", "\r\n")
    assert pgbraid.load({"1_a.sql": windows}).check(database.conninfo).ok
    check = pgbraid.load({"1_a.sql": f"{text}-- more"}).check(database.conninfo)
    assert [p.code for p in check.problems] == ["modified"]


def test_migration_that_ends_its_transaction_is_found_in_large_file_too(database):
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("CREATE TABLE t (a int, b text)")
    text = f"{ROWS}DO $$ BEGIN PERFORM 1; COMMIT; END $$;\n{ROWS}"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert database.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("size", range(690, 703))
@pytest.mark.parametrize("text", ["COPY t FROM stdin;\n1\n2\n\\.\n", "SELECT 1;"])
def test_byte_order_mark_in_middle_is_error_wherever_it_stands(database, size, text):
    """Without the mark, the text behind it would move by one, and COPY would read one row more."""
    head = f"CREATE TABLE t (s text); SELECT '{'x' * (size - 34)}';"
    text = f"{head}\ufeff{text}SELECT '{'a' * 5000}';"
    with pytest.raises((MigrationFailed, ProblemsFound)) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    if isinstance(caught.value, MigrationFailed):
        assert "U+FEFF" in caught.value.hint
    else:
        assert [p.code for p in caught.value.problems if p.severity == "error"] == ["meta_command"]
    assert database.value("SELECT to_regclass('t')") is None
