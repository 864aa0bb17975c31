"""A PgBouncer in transaction mode: each migration runs once, and nothing is left in the pool."""

import subprocess
import sys
import time

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import LockTimeout, MigrationFailed, TargetRefused
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.conninfo import parse_target
from tests.fixtures.interruption import call_after

SETTINGS = "search_path lock_timeout statement_timeout synchronous_commit role row_security x.y"


def left_in_the_pool(pooled):
    """Return the session state of the pool that a new session lacks."""
    states = set()
    with psycopg.connect(pooled, prepare_threshold=None) as a, psycopg.connect(pooled) as b:
        for conn in (a, b):
            conn.execute("SELECT 1")
        with psycopg.connect(pooled, prepare_threshold=None) as c:
            for conn in (a, b, c):
                pid = conn.execute("SELECT pg_backend_pid()").fetchone()
                shown = conn.execute(
                    "SELECT name, nullif(current_setting(name, true), '')"
                    " FROM unnest(%s::text[]) AS name",
                    (SETTINGS.split(),),
                ).fetchall()
                other = conn.execute(
                    "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
                    " (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),"
                    " (SELECT count(*) FROM pg_listening_channels()),"
                    " (SELECT count(*) FROM pg_cursors WHERE is_holdable),"
                    " (SELECT count(*) FROM pg_class WHERE relpersistence = 't')"
                ).fetchone()
                states.add((pid, (*shown, *other)))
    assert len({pid for pid, _ in states}) == 3
    return {state for _, state in states}


def test_migrations_run_behind_pooler_and_leave_nothing_in_it(database, pooled):
    clean = left_in_the_pool(pooled)
    assert len(clean) == 1
    body = (
        "SET search_path = pg_catalog; SET lock_timeout = '9s'; SET x.y = 'z';"
        "SELECT pg_advisory_lock(7); PREPARE p AS SELECT 1; LISTEN here;"
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1; CREATE TEMP TABLE gone (); SET ROLE pg_monitor"
    )
    files = {"1_a.sql": "CREATE TABLE t (x int)", "2_b.sql": body, "3_c.sql": "SELECT x FROM t"}
    report = pgbraid.load(files).up(pooled)
    assert [o.migration.version for o in report.applied] == [1, 2, 3]
    assert database.versions() == [1, 2, 3]
    assert left_in_the_pool(pooled) == clean
    assert pgbraid.load(files).up(pooled).previously_applied == 3


def test_failure_leaves_nothing_in_pool_either(database, pooled):
    clean = left_in_the_pool(pooled)
    body = "SET search_path = pg_catalog; SELECT pg_advisory_lock(7); CREATE TABLE public.a (); x"
    for _ in range(3):
        with pytest.raises(MigrationFailed):
            pgbraid.load({"1_a.sql": body}).up(pooled)
    assert database.versions() == []
    assert database.value("SELECT to_regclass('public.a')") is None
    assert left_in_the_pool(pooled) == clean


BOOT = """
import sys, pgbraid
files = {f"{n}_m.sql": f"CREATE TABLE t{n} (id int); INSERT INTO ran VALUES ({n})"
         for n in range(1, 16)}
report = pgbraid.load(files, schema="app", lock_wait=120).up(sys.argv[1])
assert len(report.applied) + len(report.applied_elsewhere) + report.previously_applied >= 15, report
"""


def test_concurrent_runs_apply_each_migration_once(database, pooled):
    clean = left_in_the_pool(pooled)
    database.run("CREATE TABLE ran (version int)")
    boots = [
        subprocess.Popen([sys.executable, "-c", BOOT, pooled], stderr=subprocess.PIPE)
        for _ in range(15)
    ]
    errors = [(boot.communicate(timeout=240)[1], boot.returncode) for boot in boots]
    assert errors == [(b"", 0)] * 15
    assert database.versions("app.applied_migrations") == list(range(1, 16))
    assert database.rows("SELECT version FROM ran ORDER BY 1") == [(n,) for n in range(1, 16)]
    assert left_in_the_pool(pooled) == clean


def test_run_behind_pooler_waits_for_xact_lock_and_names_holder(database, pooled):
    with psycopg.connect(database.conninfo, application_name="the other one") as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (LedgerTable().lock_key,))
        with pytest.raises(LockTimeout) as caught:
            pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=0.3).up(pooled)
        assert "(the other one)" in caught.value.detail
        with call_after(0.3, other.commit):
            assert len(pgbraid.load({"1_a.sql": "SELECT 1"}).up(pooled).applied) == 1


@pytest.mark.parametrize("command", ["undo", "adopt", "dry run"])
def test_commands_that_need_session_lock_are_refused_behind_pooler(database, pooled, command):
    files = {"1_a.sql": "SELECT 1", "1_a.down.sql": "SELECT 1", "2_b.sql": "SELECT 1"}
    database.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    migrator = pgbraid.load(files)
    calls = {
        "undo": lambda: migrator.undo(pooled, 1),
        "adopt": lambda: migrator.adopt(pooled),
        "dry run": lambda: migrator.up(pooled, dry_run=True),
    }
    if command == "undo":
        migrator.up(database.conninfo)
    with pytest.raises(TargetRefused, match="is a connection pooler") as caught:
        calls[command]()
    assert "`direct_url`" in caught.value.hint


def test_adoption_works_behind_pooler(database, pooled):
    database.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    report = pgbraid.load({"1_a.sql": "broken", "2_b.sql": "SELECT 1"}).up(pooled)
    assert [m.version for m in report.adoption.migrations] == [1]
    assert database.versions() == [1, 2]


def test_role_option_behind_pooler_is_refused(database, pooled):
    target = parse_target(pooled, role="pg_monitor")
    with pytest.raises(pgbraid.ConnectionFailed):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(target)
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_role_that_pooler_drops_is_error(pooled):
    """PgBouncer refuses the option, or is configured to ignore it."""
    migrator = pgbraid.load({"1_a.sql": "SELECT 1"}, role="pg_monitor")
    for verb in (migrator.up, migrator.check, migrator.status):
        with pytest.raises(TargetRefused, match="pooler"):
            verb(pooled)


def test_killed_client_releases_xact_lock(pooled, database, watches):
    """Before its statement ends: the pooler closes the session, and the server detects that."""
    if not watches:
        pytest.skip("this server does not look whether a client is still there")
    code = "import pgbraid, sys; pgbraid.load({'1_a.sql': 'SELECT pg_sleep(60)'}).up(sys.argv[1])"
    boot = subprocess.Popen([sys.executable, "-c", code, pooled])
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    for _ in range(200):
        if database.value(asleep):
            break
        time.sleep(0.05)
    assert database.value(asleep) == 1
    boot.kill()
    boot.wait()
    for _ in range(400):
        if not database.value(asleep):
            break
        time.sleep(0.05)
    assert database.value(asleep) == 0
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


@pytest.mark.parametrize(("policy", "code"), [("warn", 0), ("refuse", 1)])
def test_hazards_are_measured_behind_pooler(
    database, pooled, folder, cli, scratch_env, policy, code
):
    folder.write(
        _1_orders="CREATE TABLE orders (id int, state text); INSERT INTO orders VALUES (1)"
    )
    cli("up", code=0)
    database.run("ANALYZE orders")
    folder.write(_2_drop="ALTER TABLE orders DROP COLUMN state")
    clean = left_in_the_pool(pooled)
    env = {**scratch_env, "PGBRAID_DATABASE_URL": pooled}
    answer = cli("up", "--hazards", policy, env=env, code=code)
    assert "drop-column: column state of public.orders is dropped" in answer.err
    assert database.versions() == ([1, 2] if policy == "warn" else [1])
    assert left_in_the_pool(pooled) == clean
