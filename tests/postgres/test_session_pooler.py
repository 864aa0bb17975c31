"""Through a pooler or proxy that gives each client its own session, every command works."""

import contextlib
import threading
import time
from dataclasses import replace

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import LockTimeout, MigrationFailed, TargetRefused
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect, prepare_for_migration
from pgbraid.postgres.ledger.commit_outcome import resolve_outcome
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from tests.fixtures.interruption import IGNORES_CANCEL
from tests.fixtures.key_proxy import balanced, key_proxy
from tests.fixtures.nontransactional import HEAD

SESSION_STATE = (
    "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())),"
    " (SELECT count(*) FROM pg_listening_channels()),"
    " (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name = ANY (string_to_array("
    "'search_path row_security lock_timeout role idle_in_transaction_session_timeout', ' ')))"
)


def verdict(conninfo, **message):
    """Return whether a session counts as one of a pooler; fail if that takes 15 seconds."""
    target = replace(parse_target(conninfo), **message)
    started_at = time.monotonic()
    with connect(target, LedgerTable(), StopToken()) as session:
        pooled = prepare_for_migration(session, allow_pooler=True).pooler is not None
    assert time.monotonic() - started_at < 15
    return pooled


def left_in(conninfo, sessions):
    """Return the session state of a pool that a new session lacks."""
    with contextlib.ExitStack() as stack:
        states = set()
        for _ in range(sessions):
            conn = stack.enter_context(psycopg.connect(conninfo, prepare_threshold=None))
            states.add(conn.execute(SESSION_STATE).fetchone())
    return states


# --- a pooler is recognised by its behaviour


@pytest.mark.parametrize("round_robin", [0, 1])
@pytest.mark.parametrize("warm", [0, 1, 2, 3, 20])
@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_transaction_pooler_is_recognised_with_any_number_of_sessions(
    bouncing, size, warm, round_robin
):
    if warm > size:
        return
    with bouncing(size, more=f"server_round_robin = {round_robin}") as conninfo:
        with contextlib.ExitStack() as stack:
            for _ in range(warm):
                stack.enter_context(psycopg.connect(conninfo)).execute("SELECT 1")
        for _ in range(3):
            assert verdict(conninfo) is True
        assert left_in(conninfo, size) == {(0, 0, 0)}


def test_poolers_behind_balancer_are_recognised(bouncing):
    """Each has its own pool, so no other client ever receives our session."""
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(bouncing(2)) for _ in range(4)]
        conninfo = stack.enter_context(balanced(places))
        for _ in range(2):
            assert verdict(conninfo) is True
        for place in places:
            assert left_in(place, 2) == {(0, 0, 0)}


def test_pooler_with_traffic_is_recognised(bouncing):
    over = threading.Event()

    def work(conninfo):
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as conn:
            while not over.is_set():
                conn.execute("SELECT pg_sleep(random() * 0.01)")

    with bouncing(4) as conninfo:
        clients = [threading.Thread(target=work, args=(conninfo,)) for _ in range(8)]
        for client in clients:
            client.start()
        try:
            verdicts = {verdict(conninfo) for _ in range(10)}
        finally:
            over.set()
            for client in clients:
                client.join()
        assert verdicts == {True}
        # The last query is LISTEN; its UNLISTEN may reach another session of the pool.
        assert left_in(conninfo, 4) <= {(0, 0, 0), (0, 1, 0)}


def test_pooler_that_takes_no_more_clients_counts_as_one_that_lends(bouncing):
    with bouncing(3, clients=1) as conninfo:
        time.sleep(0.1)  # the client of the fixture has disconnected by then
        assert verdict(conninfo) is True


@pytest.mark.parametrize("size", [3, 20])
def test_pooler_in_session_mode_gives_session_of_our_own(bouncing, size):
    with bouncing(size, mode="session") as conninfo:
        for _ in range(3):
            assert verdict(conninfo) is False


@pytest.mark.parametrize("way", ["own", "deaf", "strip", "pass"])
def test_proxy_with_key_of_its_own_gives_session_of_our_own(database, way):
    with key_proxy(database, way) as conninfo:
        assert verdict(conninfo) is False


@pytest.mark.parametrize("size", [1, 2])
def test_exhausted_session_pooler_needs_option(bouncing, size):
    with bouncing(size, mode="session") as conninfo, contextlib.ExitStack() as stack:
        for _ in range(size - 1):
            stack.enter_context(psycopg.connect(conninfo)).execute("SELECT 1")
        assert verdict(conninfo) is True
        assert verdict(conninfo, session_pooler=True) is False


@pytest.mark.parametrize("size", [1, 2, 20])
def test_option_does_not_make_transaction_pooler_exclusive(bouncing, size):
    with bouncing(size) as conninfo:
        with pytest.raises(TargetRefused, match="gives the session to other clients") as caught:
            verdict(conninfo, session_pooler=True)
        assert "Remove `session_pooler`" in caught.value.hint
        assert left_in(conninfo, size) == {(0, 0, 0)}


def test_statement_pooler_is_refused_with_its_own_error(bouncing):
    with (
        bouncing(3, mode="statement") as conninfo,
        pytest.raises(pgbraid.PgbraidError, match="not allowed in statement pooling mode"),
    ):
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(conninfo)


# --- commands through a session pooler


@pytest.fixture(params=["own", "strip", "session pool"])
def through(request, database, bouncing):
    """A connection string through a proxy or pooler that gives each client its own session."""
    way = (
        bouncing(10, mode="session", more="server_reset_query =")
        if request.param == "session pool"
        else key_proxy(database, request.param)
    )
    with way as conninfo:
        yield conninfo
        for _ in range(100):  # the proxy may close its server session later
            if left_in(conninfo, 3) == {(0, 0, 0)}:
                break
            time.sleep(0.05)
        assert left_in(conninfo, 3) == {(0, 0, 0)}


FILES = {
    "1_t.sql": "CREATE TABLE t (i int)",
    "1_t.down.sql": "DROP TABLE t",
    "2_i.sql": HEAD + "CREATE INDEX CONCURRENTLY ti ON t (i)",
    "3_u.sql": "CREATE TABLE u (); SELECT pg_sleep(0.5)",
    "3_u.down.sql": "DROP TABLE u",
}


def test_every_command_works(database, through):
    migrator = pgbraid.load(FILES)
    dry = migrator.up(through, dry_run=True)
    assert [m.version for m, _ in dry.inconclusive] == [2]
    assert database.value("SELECT to_regclass('t')") is None
    assert [o.migration.version for o in migrator.up(through).applied] == [1, 2, 3]
    migrator.undo(through, 3)
    assert database.versions() == [1, 2]
    changed = {**FILES, "1_t.sql": "CREATE TABLE t (i int) -- changed"}
    assert len(pgbraid.load(changed).repair(through, all_modified=True).repaired) == 1


def test_file_outside_transaction_is_resumed(database, through):
    files = {"1_i.sql": f"{HEAD}CREATE UNIQUE INDEX CONCURRENTLY i ON d (n); VACUUM d"}
    database.run("CREATE TABLE d (n int); INSERT INTO d VALUES (1), (1)")
    migrator = pgbraid.load(files)
    with pytest.raises(MigrationFailed, match="could not create unique index"):
        migrator.up(through)
    database.run("DELETE FROM d")
    assert len(migrator.resume(through, 1).applied) == 1
    assert database.value(
        "SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'd'::regclass"
    )


def test_adoption_by_itself_works(database, through):
    database.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    database.run("INSERT INTO schema_migrations VALUES (1, false)")
    adoption = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}).adopt(through)
    assert [m.version for m in adoption.migrations] == [1]


def test_gaps_are_proven(database, through):
    files = {"1_a.sql": "CREATE TABLE a ()", "3_c.sql": "CREATE TABLE c ()"}
    pgbraid.load(files).up(through)
    migrator = pgbraid.load({**files, "2_b.sql": "CREATE TABLE b ()"}, gaps="prove")
    assert len(migrator.up(through).applied) == 1
    assert ("proven", 2) in database.events() or ("proven", None) in database.events()


def test_run_holds_lock_of_its_session(database, through):
    key = LedgerTable().lock_key
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (key,))
        with pytest.raises(LockTimeout):
            pgbraid.load({"1_a.sql": "SELECT 1"}, lock_wait=0.3).up(through)
    seen = []
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"})
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    migrator.up(through, on_event=lambda event: seen.append((type(event), database.value(held))))
    assert (pgbraid.model.events.Planned, 1) in seen


def test_role_is_set_behind_pooler(database, role, through):
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    files = {
        "1_a.sql": "CREATE TABLE a (); RESET ALL",
        "2_b.sql": "SET ROLE NONE; SELECT 1",
        "3_c.sql": HEAD + "CREATE TABLE c (n int); CREATE INDEX CONCURRENTLY ci ON c (n)",
        "4_d.sql": "CREATE TABLE d ()",
    }
    migrator = pgbraid.load(files, role=role)
    assert len(migrator.up(through).applied) == 4
    owners = database.rows(
        "SELECT DISTINCT relowner::regrole::text FROM pg_class"
        " WHERE relname ~ '^(a|c|ci|d|applied_migrations.*)$'"
    )
    assert owners == [(role,)]
    assert migrator.check(through).ok
    assert migrator.status(through).rows


def test_role_that_pooler_ignores_is_set_with_option(database, role, bouncing):
    database.run(f"GRANT CREATE ON SCHEMA public TO {role}")
    files = {"1_a.sql": "CREATE TABLE a ()"}
    more = "ignore_startup_parameters = options"
    with bouncing(5, mode="session", more=more) as conninfo:
        with pytest.raises(TargetRefused, match="the session has role") as caught:
            pgbraid.load(files, role=role).up(conninfo)
        assert "set `session_pooler`" in caught.value.hint
        migrator = pgbraid.load(files, role=role, session_pooler=True)
        assert len(migrator.up(conninfo).applied) == 1
        assert migrator.check(conninfo).ok
    assert database.value("SELECT tableowner FROM pg_tables WHERE tablename = 'a'") == role
    with bouncing(5, more=more) as conninfo, pytest.raises(TargetRefused, match="other clients"):
        migrator.status(conninfo)


# --- cancellation through the process number of the backend

SLEEPS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"


@pytest.mark.parametrize("way", ["own", "deaf", "strip", "session"])
@pytest.mark.parametrize("text", ["SELECT pg_sleep(30)", IGNORES_CANCEL])
def test_stop_ends_running_statement(database, bouncing, way, text):
    stop = pgbraid.StopToken()

    def stop_during_sleep():
        for _ in range(200):
            if database.value(SLEEPS):
                break
            time.sleep(0.05)
        stop.request()

    place = bouncing(10, mode="session") if way == "session" else key_proxy(database, way)
    with place as conninfo:
        stopper = threading.Thread(target=stop_during_sleep)
        stopper.start()
        with pytest.raises(pgbraid.Stopped) as caught:
            pgbraid.load({"1_a.sql": f"CREATE TABLE a (); {text}"}).up(conninfo, stop=stop)
        stopper.join()
        assert "it was rolled back" in caught.value.detail
        for _ in range(100):
            if not database.value(SLEEPS):
                break
            time.sleep(0.05)
        assert database.value(SLEEPS) == 0


def test_pool_without_second_session_does_not_hold_long_statement_up(database, bouncing):
    with bouncing(1, mode="session") as conninfo:
        migrator = pgbraid.load({"1_a.sql": "SELECT pg_sleep(1.2)"}, session_pooler=True)
        started_at = time.monotonic()
        assert len(migrator.up(conninfo).applied) == 1
        assert time.monotonic() - started_at < 20


def test_outcome_of_lost_connection_is_queried(database, bouncing):
    die = "SELECT pg_terminate_backend(pg_backend_pid())"
    with bouncing(10, mode="session") as conninfo, pytest.raises(pgbraid.ConnectionFailed) as e:
        pgbraid.load({"1_a.sql": f"CREATE TABLE a (); {die}"}).up(conninfo)
    assert "it was rolled back" in e.value.detail


def test_session_that_pooler_keeps_when_we_are_lost_is_not_waited_for(database, bouncing):
    """Its backend stays, but releases our lock when it is idle."""
    pgbraid.load({"1_a.sql": "CREATE TABLE a ()"}).up(database.conninfo)
    with (
        bouncing(10, mode="session") as conninfo,
        connect(parse_target(conninfo), LedgerTable(), StopToken()) as opened,
    ):
        session = prepare_for_migration(opened)
        assert acquire_session_lock(session, wait=5)
        session.conn.pgconn.finish()
        started_at = time.monotonic()
        fate = resolve_outcome(session, "00000000-0000-0000-0000-000000000000", ())
    assert fate is not None
    assert time.monotonic() - started_at < 8


# --- messages


def test_hint_names_setting_that_is_not_in_use(cli, database, folder, bouncing):
    folder.write(_1_a=HEAD + "CREATE TABLE a ()")
    with bouncing(2) as conninfo:
        url = {"PGBRAID_DATABASE_URL": conninfo}
        answer = cli("up", env=url, code=4)
        assert "past the pooler (--direct-url)" in answer.err
        assert "set --session-pooler" in answer.err
        for words, env in (
            (["--direct-url", conninfo], {}),
            ([], {**url, "PGBRAID_DIRECT_URL": conninfo}),
        ):
            answer = cli("up", *words, env=env, code=4)
            assert "--direct-url is already used" in answer.err
            assert "set --session-pooler" in answer.err
        answer = cli("up", "--session-pooler", env=url, code=4)
        assert "gives the session to other clients" in answer.err
        assert "Remove --session-pooler" in answer.err
    assert database.value("SELECT to_regclass('a')") is None


def test_exclusive_session_is_option_and_setting(cli, database, folder, tmp_path, bouncing):
    folder.write(_1_a=HEAD + "CREATE TABLE a ()", _2_b=HEAD + "CREATE TABLE b ()")
    with bouncing(1, mode="session") as conninfo:
        url = {"PGBRAID_DATABASE_URL": conninfo}
        answer = cli("up", env=url, code=4)
        assert "no second client was served" in answer.err
        cli("up", "--to", "1", "--session-pooler", env=url, code=0)
        (tmp_path / "pgbraid.toml").write_text("session_pooler = true")
        cli("up", env=url, code=0)
    assert database.versions() == [1, 2]
