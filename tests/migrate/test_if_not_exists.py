"""CREATE INDEX CONCURRENTLY IF NOT EXISTS skips only an equal valid index."""

import threading
import time

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed, ProblemsFound
from pgbraid.migrate.nontransactional import journaled_run
from pgbraid.model.events import LeftoverDropped, ServerNotice
from tests.fixtures.interruption import call_after
from tests.fixtures.nontransactional import HEAD, invalid

INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS ti ON big (a)"
UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ti ON big (c)"


def up(database, text, head=HEAD, **settings):
    """Run one file; return its report and events."""
    emitted = []
    migrator = pgbraid.load({"1_a.sql": head + text}, **settings)
    return migrator.up(database.conninfo, on_event=emitted.append), emitted


def oid(database, name="ti"):
    return database.value("SELECT to_regclass(%s)::oid", name)


def leave_invalid(database, statement=UNIQUE):
    """Let another program leave an invalid index."""
    with (
        psycopg.connect(database.conninfo, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute(statement)


def test_valid_equal_index_is_skipped_with_notice(big):
    emitted = []
    files = {"2_i.sql": HEAD + INDEX, "3_combined.sql": HEAD + INDEX}
    report = pgbraid.load(files).up(big.conninfo, on_event=emitted.append)
    assert [o.migration.version for o in report.applied] == [2, 3]
    (notice,) = [event.diagnostic for event in emitted if isinstance(event, ServerNotice)]
    assert (notice.severity, notice.sqlstate) == ("NOTICE", "42P07")
    assert notice.message.startswith("the index public.ti exists already, is valid")
    assert str(notice.location) == "3_combined.sql:2:1"
    events = big.rows(
        "SELECT event, detail->>'passed_over' FROM applied_migrations_journal"
        " WHERE version = 3 ORDER BY id"
    )
    assert events == [("started", None), ("statement_done", "true"), ("applied", None)]
    assert pgbraid.load(files).check(big.conninfo).ok


def test_invalid_index_is_dropped_and_built(double):
    leave_invalid(double)
    double.run("DELETE FROM big WHERE a = 0")
    invalid_oid = oid(double)
    report, emitted = up(double, UNIQUE)
    assert len(report.applied) == 1
    assert [e.statement for e in emitted if isinstance(e, LeftoverDropped)] == [
        "DROP INDEX CONCURRENTLY public.ti"
    ]
    assert (invalid(double), oid(double) != invalid_oid) == ([], True)


def test_repeatedly_failing_index_is_never_recorded(double):
    leave_invalid(double)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="could not create unique index"):
            up(double, UNIQUE)
        assert (double.versions(), invalid(double)) == ([], [("ti",)])
    double.run("DELETE FROM big WHERE a = 0")
    up(double, UNIQUE)
    assert (double.versions(), invalid(double)) == ([1], [])


@pytest.mark.parametrize(
    ("ddl", "kind"),
    [
        ("CREATE INDEX ti ON big (b)", "index"),
        ("CREATE UNIQUE INDEX ti ON big (a)", "index"),
        ("CREATE INDEX ti ON big (a) WHERE a > 5", "index"),
        ("CREATE INDEX ti ON big (a) WITH (fillfactor = 70)", "index"),
        ("CREATE TABLE other (a int); CREATE INDEX ti ON other (a)", "index"),
        ("ALTER TABLE big ADD CONSTRAINT ti UNIQUE (a) DEFERRABLE", "index"),
        ("ALTER TABLE big ADD CONSTRAINT ti EXCLUDE USING btree (a WITH =)", "index"),
        ("CREATE TABLE ti ()", "table"),
        ("CREATE VIEW ti AS SELECT 1", "view"),
        ("CREATE MATERIALIZED VIEW ti AS SELECT 1", "materialized view"),
        ("CREATE SEQUENCE ti", "sequence"),
        ("CREATE TYPE ti AS (a int)", "type"),
    ],
)
def test_other_relation_of_that_name_needs_decision(big, ddl, kind):
    big.run(ddl)
    before = oid(big)
    for _ in range(2):
        with pytest.raises(MigrationFailed) as caught:
            up(big, INDEX)
        assert caught.value.message.endswith(
            f"the {kind} public.ti exists already, and pgbraid cannot confirm that it has the "
            "definition of the statement"
        )
        assert "pgbraid resume 1" in caught.value.hint
        assert ("--skip 1" in caught.value.hint) == (kind == "index")
    assert (big.versions(), oid(big)) == ([], before)
    pgbraid.load({"1_a.sql": HEAD + INDEX}).resume(big.conninfo, 1, how="skip")
    assert big.versions() == [1]


def test_index_of_another_definition_that_is_not_valid_is_not_dropped(double):
    leave_invalid(double)
    before = oid(double)
    with pytest.raises(
        MigrationFailed, match="pgbraid cannot confirm that it has the definition of the statement"
    ):
        up(double, UNIQUE.replace("(c)", "(c, a)"))
    assert oid(double) == before
    with pytest.raises(MigrationFailed, match=r"public\.ti is invalid"):
        pgbraid.load({"1_a.sql": HEAD + UNIQUE}).resume(double.conninfo, 1, how="skip")


def test_index_of_same_name_in_another_schema_is_ignored(big):
    big.run("CREATE SCHEMA app; CREATE TABLE app.big (a int); CREATE INDEX ti ON app.big (a)")
    up(big, "SET search_path = public, app; " + INDEX)
    assert big.value("SELECT to_regclass('public.ti') IS NOT NULL")


def test_index_that_became_constraint_is_skipped(big):
    big.run(f"{UNIQUE.replace(' CONCURRENTLY', '')}; ALTER TABLE big ADD UNIQUE USING INDEX ti")
    before = oid(big)
    report, _ = up(big, UNIQUE)
    assert (len(report.applied), oid(big)) == (1, before)


def test_index_that_another_session_builds_is_waited_for(big):
    started = threading.Event()

    def build():
        started.set()
        big.run(INDEX)

    with psycopg.connect(big.conninfo) as writer:
        writer.execute("INSERT INTO big VALUES (-1, -1, -1)")
        by_hand = threading.Thread(target=build)
        by_hand.start()
        while oid(big) is None:
            time.sleep(0.02)
        being_built = oid(big)
        with call_after(1, writer.rollback):
            _, emitted = up(big, INDEX)
        by_hand.join()
    assert [e for e in emitted if isinstance(e, LeftoverDropped)] == []
    assert (oid(big), invalid(big), big.versions()) == (being_built, [], [1])


# --- another session creates the index between the query and the statement


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that calls another one right after the journal row of the start."""

    def happen(action):
        real, actions = journaled_run.NonTransactionalRun.append, [action]

        def write(file, entry, **options):
            real(file, entry, **options)
            if entry.event == "statement_started" and actions:
                actions.pop()()

        monkeypatch.setattr(journaled_run.NonTransactionalRun, "append", write)

    return happen


def test_concurrently_created_index_is_checked_again(big, meanwhile):
    meanwhile(lambda: big.run("CREATE INDEX ti ON big (a)"))
    assert len(up(big, INDEX)[0].applied) == 1
    assert invalid(big) == []


def test_concurrently_created_other_index_is_not_recorded(big, meanwhile):
    meanwhile(lambda: big.run("CREATE INDEX ti ON big (b)"))
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="is not the index that the statement makes"):
            up(big, INDEX)
        assert big.versions() == []


def test_concurrently_left_invalid_index_is_not_recorded(double, meanwhile):
    def leave():
        leave_invalid(double)
        double.run("DELETE FROM big WHERE a = 0")

    meanwhile(leave)
    assert len(up(double, UNIQUE)[0].applied) == 1
    assert invalid(double) == []


def test_index_of_others_is_not_dropped_once_file_no_longer_accepts_it(double, meanwhile):
    """Another session created it just before the statement; the file is edited afterwards."""
    meanwhile(lambda: double.run("CREATE INDEX ti ON big (b)"))
    with pytest.raises(MigrationFailed):
        up(double, UNIQUE)
    double.run("DROP INDEX ti")
    leave_invalid(double)
    with pytest.raises(MigrationFailed):
        up(double, INDEX.replace(" IF NOT EXISTS", ""))
    assert invalid(double) == [("ti",)]


# --- a run that is interrupted in each phase


@pytest.mark.parametrize(
    "event", ["started", "leftover_dropped", "statement_started", "statement_done", "applied"]
)
def test_run_interrupted_at_any_journal_row_resumes(double, cut_before, event):
    leave_invalid(double)
    double.run("DELETE FROM big WHERE a = 0")
    migrator = pgbraid.load({"1_a.sql": f"{HEAD}{UNIQUE};\n{INDEX.replace('ti', 'tj')}"})
    cut_before(event)
    if event != "applied":  # the line and the row of the applied set are written together
        with pytest.raises(RuntimeError):
            migrator.up(double.conninfo)
        assert double.value("SELECT count(*) FROM pg_class WHERE relname ~ 'applied_m'") == 0 or (
            double.versions() == []
        )
    assert len(migrator.up(double.conninfo).applied) == 1
    assert (double.versions(), invalid(double)) == ([1], [])


def test_interrupted_build_is_repeated(big, cut_running):
    migrator = pgbraid.load({"1_a.sql": HEAD + INDEX})
    cut_running(big, migrator, "INSERT INTO big VALUES (-1, -1, -1)")
    assert invalid(big) == [("ti",)]
    assert len(migrator.up(big.conninfo).applied) == 1
    assert invalid(big) == []


def test_interrupted_drop_of_invalid_index_is_repeated(double, cut_running):
    leave_invalid(double)
    double.run("DELETE FROM big WHERE a = 0")
    migrator = pgbraid.load({"1_a.sql": HEAD + UNIQUE})
    cut_running(double, migrator, "INSERT INTO big VALUES (-1, -1, -1)")
    assert double.versions() == []
    assert len(migrator.up(double.conninfo).applied) == 1
    assert invalid(double) == []


# --- spellings of the statement


@pytest.mark.parametrize(
    "statement",
    [
        "create index concurrently if not exists ti on big (a)",
        "CREATE INDEX CONCURRENTLY IF /* why */ NOT -- not?\n EXISTS ti ON big (a)",
        'CREATE INDEX /* CONCURRENTLY */ CONCURRENTLY\nIF\nNOT\nEXISTS "ti" ON public.big (a)',
    ],
)
def test_statement_is_recognised_in_any_spelling(big, statement):
    for version in (1, 2):
        pgbraid.load({f"{n}_a.sql": HEAD + statement for n in range(1, version + 1)}).up(
            big.conninfo
        )
    assert (big.versions(), invalid(big)) == ([1, 2], [])


def test_error_shows_statement_as_it_is_written(double):
    with pytest.raises(MigrationFailed) as caught:
        up(double, INDEX.replace("(a)", "(nosuch)"))
    expected = caught.value.diagnostic
    assert expected.excerpt == INDEX.replace("(a)", "(nosuch)")
    assert expected.excerpt[expected.caret or 0 :].startswith(("CREATE", "nosuch"))


def test_file_of_two_statements_without_directive_is_refused(big):
    with pytest.raises(ProblemsFound) as caught:
        up(big, f"{INDEX}; SELECT 1", head="")
    (problem,) = caught.value.problems
    assert problem.code == "needs_no_transaction"
    assert "no-transaction" in problem.hint


# --- similar statements


@pytest.mark.parametrize("exists", [True, False])
def test_drop_if_exists_completes_with_and_without_index(big, exists):
    if exists:
        big.run("CREATE INDEX ti ON big (a)")
    assert len(up(big, "DROP INDEX CONCURRENTLY IF EXISTS ti")[0].applied) == 1
    assert oid(big) is None


def test_interrupted_drop_if_exists_is_run_again(big, cut_running):
    big.run("CREATE INDEX ti ON big (a)")
    migrator = pgbraid.load({"1_a.sql": HEAD + "DROP INDEX CONCURRENTLY IF EXISTS ti"})
    cut_running(big, migrator, "INSERT INTO big VALUES (-1, -1, -1)")
    assert big.versions() == []
    assert len(migrator.up(big.conninfo).applied) == 1
    assert oid(big) is None


def test_interrupted_detach_if_exists_is_finished(big, cut_running):
    if big.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE TABLE parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    text = "ALTER TABLE IF EXISTS ONLY parent DETACH PARTITION child CONCURRENTLY"
    migrator = pgbraid.load({"1_a.sql": HEAD + text}, limits=Limits(lock_timeout=5))
    cut_running(big, migrator, "SELECT FROM parent")
    assert big.value("SELECT inhdetachpending FROM pg_inherits") is True
    assert len(migrator.up(big.conninfo).applied) == 1
    assert big.value("SELECT count(*) FROM pg_inherits") == 0
