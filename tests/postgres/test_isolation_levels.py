"""A file's head can set another isolation level; settings without effect are named."""

import psycopg
import pytest

import pgbraid
from pgbraid.model.events import Retrying
from pgbraid.sql.directives import read_directives

NOTE = "CREATE TABLE level AS SELECT current_setting('transaction_isolation') AS level"
LEVELS = {"serializable": "serializable", "repeatable-read": "repeatable read"}


def load(text, **others):
    return pgbraid.load({"1_a.sql": text, **others})


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("fresh", [True, False])
def test_file_runs_at_level_that_its_head_asks_for(database, level, fresh):
    first = {"0_first.sql": "CREATE TABLE first ()", "2_c.sql": "CREATE TABLE c ()"}
    if not fresh:
        pgbraid.load(first).up(database.conninfo)
    load(f"-- pgbraid: isolation={level}\n{NOTE}", **first).up(database.conninfo)
    assert database.value("SELECT level FROM level") == LEVELS[level]
    assert database.versions() == [0, 1, 2]


@pytest.mark.parametrize("default", ["serializable", "read committed"])
def test_level_is_files_and_not_roles(database, default):
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET default_transaction_isolation = '{default}'")
    load(NOTE).up(database.conninfo)
    assert database.value("SELECT level FROM level") == "read committed"


def test_down_file_has_level_of_its_own(database, folder):
    folder.put("1_a.up.sql", "CREATE TABLE a ()")
    folder.put("1_a.down.sql", f"-- pgbraid: isolation=serializable\nDROP TABLE a; {NOTE}")
    migrator = folder.load()
    migrator.up(database.conninfo)
    migrator.undo(database.conninfo, 1)
    assert database.value("SELECT level FROM level") == "serializable"


def test_large_file_and_one_with_copy_data_have_it_too(database, monkeypatch):
    monkeypatch.setattr("pgbraid.source.content.LARGE_SCRIPT_BYTES", 500)
    monkeypatch.setattr("pgbraid.model.migration.LARGE_SCRIPT_BYTES", 500)
    rows = "x\n" * 500
    text = f"-- pgbraid: isolation=serializable\n{NOTE};\nCREATE TABLE t (s text);\n"
    load(f"{text}COPY t FROM stdin;\n{rows}\\.\n").up(database.conninfo)
    assert database.value("SELECT level FROM level") == "serializable"


def test_serialization_failure_is_tried_again(database):
    """Another session changes and commits a row that this one has read."""
    database.run("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
    emitted = []

    def record_event(event):
        emitted.append(event)
        if type(event).__name__ == "ServerNotice" and len(emitted) < 5:
            database.run("UPDATE t SET n = n + 10")

    text = (
        "-- pgbraid: isolation=repeatable-read\nSELECT count(*) FROM t;\n"
        "DO $$ BEGIN RAISE NOTICE 'now'; PERFORM pg_sleep(0.5); END $$;\nUPDATE t SET n = n * 2;"
    )
    load(text).up(database.conninfo, on_event=record_event)
    retried = [event for event in emitted if isinstance(event, Retrying)]
    assert [event.diagnostic.sqlstate for event in retried] == ["40001"]
    assert database.value("SELECT n FROM t") == 22


def test_serialization_failure_of_commit_is_tried_again(database):
    database.run("CREATE TABLE a (n int); CREATE TABLE b (n int)")
    emitted = []

    def record_event(event):
        emitted.append(event)
        if type(event).__name__ == "ServerNotice" and not any(
            isinstance(e, Retrying) for e in emitted
        ):
            with psycopg.connect(database.conninfo) as other:
                other.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                other.execute("INSERT INTO b SELECT count(*) FROM a")

    text = (
        "-- pgbraid: isolation=serializable\nINSERT INTO a SELECT count(*) FROM b;\n"
        "DO $$ BEGIN RAISE NOTICE 'now'; PERFORM pg_sleep(0.5); END $$;"
    )
    load(text).up(database.conninfo, on_event=record_event)
    assert [e.diagnostic.sqlstate for e in emitted if isinstance(e, Retrying)] == ["40001"]
    assert database.rows("SELECT n FROM a") == [(1,)]


@pytest.mark.parametrize("level", LEVELS)
def test_version_that_another_run_records_meanwhile_is_not_recorded_twice(database, level):
    """The snapshot of the transaction is older than the commit of the other run."""
    load("CREATE TABLE a ()").up(database.conninfo, to=1)

    def record_event(event):
        if type(event).__name__ == "ServerNotice":
            database.record(2, "b")

    second = (
        f"-- pgbraid: isolation={level}\nCREATE TABLE b ();\n"
        "DO $$ BEGIN RAISE NOTICE 'now'; PERFORM pg_sleep(0.5); END $$;"
    )
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": second})
    report = migrator.up(database.conninfo, on_event=record_event)
    assert report.applied == ()
    assert [migration.version for migration in report.applied_elsewhere] == [2]
    assert database.value("SELECT to_regclass('b')") is None


@pytest.mark.parametrize(
    ("directive", "expected"),
    [
        ("isolation=chaos", "isolation must be serializable or repeatable-read, not 'chaos'"),
        ("isolation", "isolation must be serializable or repeatable-read, not ''"),
        ("isolation=serializable, isolation=serializable", "isolation is given twice"),
        (
            "no-transaction isolation=serializable",
            "isolation cannot be combined with no-transaction",
        ),
        (
            "isolation=serializable no-transaction",
            "isolation cannot be combined with no-transaction",
        ),
    ],
)
def test_invalid_directive_is_error(database, directive, expected):
    (problem,) = load(f"-- pgbraid: {directive}\nSELECT 1").check_files().problems
    assert (problem.code, problem.message) == ("unknown_directive", problem.message)
    assert problem.message.startswith(expected)


def test_level_is_read_in_any_case():
    assert read_directives("-- pgbraid: isolation=SERIALIZABLE").isolation == "SERIALIZABLE"


AFTER_FIRST_STATEMENT = [
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "set transaction read write, isolation level repeatable read",
    "SET LOCAL transaction_isolation TO 'serializable'",
    "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT",
]
WITHOUT_EFFECT = [
    "SET default_transaction_isolation = 'serializable'",
    "SET default_transaction_isolation TO serializable",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
]
ALLOWED = [
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET TRANSACTION READ WRITE",
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT 1; COMMIT",
    "SET transaction_isolation = 'read committed'",
    "SELECT 'SET TRANSACTION ISOLATION LEVEL SERIALIZABLE'",
]


@pytest.mark.parametrize("text", AFTER_FIRST_STATEMENT)
def test_isolation_level_after_first_statement_is_refused_before_run(text):
    (problem,) = load(f"{text};").check_files().problems
    assert (problem.code, problem.severity) == ("transaction_mode", "error")
    assert "-- pgbraid: isolation=serializable" in problem.hint


@pytest.mark.parametrize("text", AFTER_FIRST_STATEMENT[:3])
def test_isolation_level_in_no_transaction_file_is_refused_before_run(database, text):
    """The directive would be refused there, so the hint does not name it."""
    migrator = load(f"-- pgbraid: no-transaction\n{text};\nSELECT 1;")
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        migrator.up(database.conninfo)
    (problem,) = caught.value.problems
    assert (problem.code, problem.hint) == ("transaction_mode", "Remove the statement.")
    assert database.value("SELECT to_regclass('applied_migrations')") is None


@pytest.mark.parametrize("text", WITHOUT_EFFECT)
@pytest.mark.parametrize("head", ["", "-- pgbraid: no-transaction\n"])
def test_level_that_has_no_effect_is_warned_of(database, text, head):
    migrator = load(f"{head}{text};\nSELECT 1;")
    (problem,) = migrator.check_files().problems
    assert (problem.code, problem.severity) == ("isolation_unused", "warning")
    report = migrator.up(database.conninfo)
    assert [warning.code for warning in report.warnings] == ["isolation_unused"]


@pytest.mark.parametrize("text", ALLOWED)
def test_other_set_statements_are_left_alone(database, text):
    migrator = load(f"{text};")
    assert migrator.check_files().problems == ()
    migrator.up(database.conninfo)


@pytest.mark.parametrize(
    "text", [t.replace("repeatable read", "serializable") for t in AFTER_FIRST_STATEMENT]
)
def test_isolation_level_of_head_may_be_repeated(database, text):
    load(f"-- pgbraid: isolation=serializable\n{text};").up(database.conninfo)
    assert database.versions() == [1]


def test_level_that_only_server_sees_is_explained_by_error(database):
    text = "DO $$ BEGIN SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; END $$"
    with pytest.raises(pgbraid.MigrationFailed) as caught:
        load(text).up(database.conninfo)
    assert "-- pgbraid: isolation=serializable" in caught.value.hint


def test_dry_run_tries_file_at_usual_level(database):
    migrator = load(f"-- pgbraid: isolation=serializable\n{NOTE}")
    assert migrator.up(database.conninfo, dry_run=True).failures == ()
