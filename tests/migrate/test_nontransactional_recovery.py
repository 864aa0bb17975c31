"""Interrupted statements: their leftovers are dropped, and foreign objects are kept."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

import pgbraid
from pgbraid import MigrationFailed
from pgbraid.model.events import LeftoverDropped
from tests.fixtures.interruption import call_after, interrupted_run
from tests.fixtures.nontransactional import FOUR, HEAD, invalid


def test_completed_drop_is_not_repeated_on_next_schema_of_path(big, cut_before):
    big.run("CREATE SCHEMA app; CREATE TABLE app.big (a int)")
    big.run("CREATE INDEX twice ON app.big (a); CREATE INDEX twice ON public.big (a)")
    text = HEAD + "SET search_path = app, public; DROP INDEX CONCURRENTLY twice"
    migrator = pgbraid.load({"1_a.sql": text})
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        migrator.up(big.conninfo)
    assert big.value("SELECT to_regclass('app.twice')") is None
    migrator.up(big.conninfo)
    assert big.value("SELECT to_regclass('public.twice')") is not None


@pytest.mark.parametrize(
    "target",
    [
        "SCHEMA CONCURRENTLY public",
        "TABLE CONCURRENTLY wide",
        f'INDEX CONCURRENTLY "{"é" * 31}"',
        f'INDEX CONCURRENTLY "{"e" * 63}"',
    ],
)
def test_interrupted_reindex_leaves_no_copy(big, target):
    big.run("CREATE TABLE wide (a int, t text); CREATE INDEX here ON wide (a)")
    big.run(f'CREATE INDEX "{"é" * 31}" ON wide (a); CREATE INDEX "{"e" * 63}" ON wide (a)')
    migrator = pgbraid.load({"1_a.sql": HEAD + f"REINDEX {target}"})
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO wide VALUES (1)")
        interrupted_run(migrator.up, big.conninfo, seconds=1)
    invalid_indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert big.rows(invalid_indexes) != []
    assert len(migrator.up(big.conninfo).applied) == 1
    assert big.rows(invalid_indexes) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX CONCURRENTLY here",
        "ALTER TABLE app.parent DETACH PARTITION child CONCURRENTLY",
    ],
)
def test_refused_statement_is_not_treated_as_completed_in_next_run(big, statement):
    if "DETACH" in statement and big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE SCHEMA app; CREATE TABLE app.parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE app.child PARTITION OF app.parent FOR VALUES IN (1)")
    big.run("CREATE TABLE app.t (n int); CREATE INDEX here ON app.t (n)")
    migrator = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed, match="does not exist"):
        migrator.up(big.conninfo)
    with pytest.raises(MigrationFailed):
        migrator.up(big.conninfo)
    assert big.versions() == []


def test_index_built_by_another_session_is_not_dropped(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    migrator = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed):
        migrator.up(big.conninfo)
    big.run("DELETE FROM big WHERE a = 0")
    big.run("DROP INDEX one")
    emitted = []
    with psycopg.connect(big.conninfo) as writer:
        writer.execute("INSERT INTO big VALUES (-1, -1, -1)")
        by_hand = threading.Thread(target=lambda: big.run(statement))
        by_hand.start()
        while big.value("SELECT to_regclass('one')") is None:
            time.sleep(0.05)
        with call_after(1, writer.rollback), contextlib.suppress(pgbraid.PgbraidError):
            migrator.up(big.conninfo, on_event=emitted.append)
        by_hand.join()
    assert [e.statement for e in emitted if isinstance(e, LeftoverDropped)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY one ON big ((big.a + 1)) WHERE big.b > 0",
        f"CREATE INDEX CONCURRENTLY {'n' * 80} ON big (a)",
        'CREATE INDEX CONCURRENTLY "o.N""e" ON ONLY "public" . "big" /* x */ (a) INCLUDE (b)'
        " WITH (fillfactor = 70) TABLESPACE pg_default WHERE a IS NOT NULL",
    ],
)
def test_interrupted_index_is_built_again(big, statement):
    migrator = pgbraid.load({"1_a.sql": HEAD + statement})
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, big.conninfo, seconds=0.8)
    assert len(migrator.up(big.conninfo).applied) == 1
    assert big.value("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'big'::regclass")


def test_copy_of_another_index_with_same_prefix_is_kept(big, cut_before):
    big.run("CREATE INDEX a ON big (a); CREATE UNIQUE INDEX ab ON big (b)")
    migrator = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY a"})
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        migrator.up(big.conninfo)
    with (
        psycopg.connect(big.conninfo) as writer,
        psycopg.connect(big.conninfo, autocommit=True) as other,
    ):
        writer.execute("INSERT INTO big VALUES (-1, -1, -1)")
        other.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("REINDEX INDEX CONCURRENTLY ab")
    emitted = []
    migrator.up(big.conninfo, on_event=emitted.append)
    assert [e.statement for e in emitted if isinstance(e, LeftoverDropped)] == []


def test_lock_timeout_of_catalog_query_is_retried(big):
    """The retries must also catch the error of the driver."""
    migrator = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, big.conninfo, seconds=0.8)
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big")
        with call_after(2, other.rollback):
            assert len(migrator.up(big.conninfo).applied) == 1


def test_role_without_temporary_tables_can_resume(big, role):
    big.run(f"ALTER TABLE big OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    name = conninfo_to_dict(big.conninfo)["dbname"]
    big.run(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
    migrator = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, big.as_role(role), seconds=0.8)
    assert len(migrator.up(big.as_role(role)).applied) == 1


def test_index_that_was_swapped_for_another_is_not_touched(double):
    """The index of the run is gone, and another session created one with its name."""
    migrator = pgbraid.load({"1_four.sql": FOUR})
    with pytest.raises(MigrationFailed):
        migrator.up(double.conninfo)
    double.run("DROP INDEX three; CREATE INDEX three ON big (b, a)")
    with pytest.raises(MigrationFailed, match="is not the index that the statement makes"):
        migrator.up(double.conninfo)
    assert double.value("SELECT to_regclass('three') IS NOT NULL")


def test_index_that_pgbraid_did_not_begin_is_left_alone(double):
    for state in ("valid", "invalid"):
        unique = "" if state == "valid" else "UNIQUE "
        with psycopg.connect(double.conninfo, autocommit=True) as conn:
            try:
                conn.execute(f"CREATE {unique}INDEX CONCURRENTLY one ON big (c)")
            except psycopg.errors.UniqueViolation:
                assert state == "invalid"
        migrator = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
        for _ in range(2):
            with pytest.raises(MigrationFailed, match="exists already") as caught:
                migrator.up(double.conninfo)
            assert ("is invalid" in caught.value.message) == (state == "invalid")
            assert ("--skip 1" in caught.value.hint) == (state == "valid")
        if state == "invalid":
            with pytest.raises(MigrationFailed, match=r"public\.one is invalid"):
                migrator.resume(double.conninfo, 1, how="skip")
            assert double.versions() == []
        double.run("DROP INDEX one")


RUN = """
import sys, pgbraid
pgbraid.load({"1_four.sql": sys.argv[2]}).up(sys.argv[1])
"""


@pytest.mark.parametrize("way", ["kill", "terminate", "cancel"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_run_interrupted_anywhere_ends_valid_or_incomplete(double, way, seed):
    """If the data are valid, another run completes the file after any interruption."""
    double.run("DELETE FROM big WHERE a = 0")
    chance = random.Random(seed)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, double.conninfo, FOUR], stderr=subprocess.PIPE
        )
        _cut(double, process, way, chance.uniform(0.0, 0.12))
        process.communicate(timeout=60)
        if process.returncode == 0:
            break
        if double.value("SELECT to_regclass('applied_migrations')"):
            assert double.versions() == [] or invalid(double) == []
    assert pgbraid.load({"1_four.sql": FOUR}).up(double.conninfo).previously_applied in {0, 1}
    assert (double.versions(), invalid(double)) == ([1], [])


def _cut(database, process, way, pause):
    """End a run some time after it started to build the index."""
    deadline = time.monotonic() + 30
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        while time.monotonic() < deadline and process.poll() is None:
            if conn.execute("SELECT to_regclass('applied_migrations_journal')").fetchone()[0]:
                break
        time.sleep(pause)
        if way == "kill":
            os.kill(process.pid, signal.SIGKILL)
        else:
            conn.execute(
                sql.SQL(
                    "SELECT {}(pid) FROM pg_stat_activity WHERE application_name ~ 'pgbraid'"
                ).format(sql.Identifier(f"pg_{way}_backend"))
            )


def test_interrupted_detach_is_finished(double):
    if double.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("came with PostgreSQL 14")
    double.run("CREATE TABLE parent (n int) PARTITION BY LIST (n)")
    double.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    migrator = pgbraid.load(
        {"1_a.sql": HEAD + "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY"}
    )
    with psycopg.connect(double.conninfo) as other:
        other.execute("SELECT FROM parent")
        interrupted_run(migrator.up, double.conninfo, seconds=1)
    assert double.value("SELECT inhdetachpending FROM pg_inherits") is True
    assert len(migrator.up(double.conninfo).applied) == 1
    assert double.value("SELECT count(*) FROM pg_inherits") == 0


def test_copy_of_interrupted_reindex_is_dropped(double):
    double.run("CREATE INDEX here ON big (a)")
    migrator = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY here"})
    with psycopg.connect(double.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        interrupted_run(migrator.up, double.conninfo, seconds=1)
    assert invalid(double) == [("here_ccnew",)]
    assert len(migrator.up(double.conninfo).applied) == 1
    assert invalid(double) == []
    assert double.rows("SELECT relname FROM pg_class WHERE relname ~ '^here' ORDER BY 1") == [
        ("here",)
    ]
