"""Findings of a hostile reading: each fails for the wrong outcome that it names."""

import asyncio
import contextlib
import signal
import threading
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.events import LeftoverDropped

HEAD = "-- pgbraid: no-transaction\n"


@pytest.fixture
def big(database):
    database.run("CREATE TABLE big AS SELECT n a, n b, n c FROM generate_series(1, 2000) n")
    return database


def in_thread(call, seconds, database):
    """What a call returned or raised within some seconds; else its session is ended."""
    found = []

    def run():
        try:
            found.append(call())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(seconds)
    over = not thread.is_alive()
    if not over:
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
            " current_database() AND application_name ~ 'pgbraid'"
        )
        thread.join(30)
    return over, found


# --- a statement that builds nothing concurrently waits without a bound


@pytest.mark.parametrize("statement", ["VACUUM FULL big", "CALL p()"])
def test_every_blocking_statement_has_a_lock_timeout(big, statement):
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN ALTER TABLE big ADD x int; END'")
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        limits = Limits(lock_timeout=0.3, retry_for=0.5)
        braid = pgbraid.load({"1_a.sql": HEAD + statement}, limits=limits)
        over, found = in_thread(lambda: braid.up(big.conninfo), 8, big)
    assert over, "it waited without a bound, and everybody behind it"
    assert isinstance(found[0], MigrationFailed)


# --- what a rollback does not take back


def test_a_retry_finds_no_prepared_statement_of_the_attempt_before(big):
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        timer = threading.Timer(1.5, reader.rollback)
        timer.start()
        text = "PREPARE p AS SELECT 1; ALTER TABLE big ADD x int; EXECUTE p"
        try:
            report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
        finally:
            timer.join()
    assert len(report.applied) == 1


def test_no_advisory_lock_of_a_body_is_held_in_the_pause_of_a_retry(big):
    seen = []

    def hear(event):
        if type(event).__name__ == "Retrying":
            seen.append(
                big.value(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242"
                )
            )

    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        text = "SELECT pg_advisory_lock(4242); ALTER TABLE big ADD x int"
        with pytest.raises(MigrationFailed):
            pgbraid.load({"1_a.sql": text}, limits=Limits(retry_for=1)).up(
                big.conninfo, on_event=hear
            )
    assert set(seen) == {0}


def test_a_stop_leaves_no_prepared_statement_in_the_pool(database, pool):
    stop = pgbraid.StopToken()
    timer = threading.Timer(0.15, stop.request)
    timer.start()
    text = "PREPARE leaked AS SELECT 1; DO 'BEGIN PERFORM pg_sleep(9); END'"
    with pytest.raises(pgbraid.Stopped):
        pgbraid.load({"1_a.sql": text}).up(pool, stop=stop)
    timer.join()
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        found = conn.execute("SELECT name FROM pg_prepared_statements WHERE from_sql").fetchall()
    assert found == []


def test_the_watch_behind_a_pooler_with_one_session_does_not_hang(database, pool):
    begun = time.monotonic()
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE t (); SELECT pg_sleep(1)"})
    over, found = in_thread(lambda: braid.up(pool), 20, database)
    assert over, "the run waits for its own watch, which waits for the run's session"
    assert time.monotonic() - begun < 10
    assert len(found[0].applied) == 1


# --- passwords


def test_no_password_of_another_session_behind_a_comment_is_shown(big, role):
    heard = []
    with psycopg.connect(big.conninfo, prepare_threshold=None) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        other.execute(f"-- rotate\nALTER ROLE {role} PASSWORD 'hunter2'")
        with pytest.raises(MigrationFailed) as caught:
            pgbraid.load({"1_a.sql": "ALTER TABLE big ADD x int"}, limits=Limits(retry_for=1)).up(
                big.conninfo, on_event=heard.append
            )
    assert "hunter2" not in repr(heard)
    assert "hunter2" not in str(caught.value.detail)


# --- settings made again before what follows


def test_a_role_that_the_file_drops_again_does_not_stop_it(big):
    name = "pgbraid_hostile_gone"
    text = HEAD + (
        f"CREATE ROLE {name}; GRANT ALL ON SCHEMA public TO {name}; SET ROLE {name};"
        f"SELECT 1; RESET ROLE; DROP OWNED BY {name}; DROP ROLE {name}; VACUUM big"
    )
    try:
        report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    finally:
        if big.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", name):
            big.run(f"DROP OWNED BY {name}; DROP ROLE {name}")
    assert len(report.applied) == 1


def test_a_retry_outside_a_transaction_is_not_run_as_the_files_role(big, role):
    big.run(f"ALTER TABLE big OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    text = f"-- pgbraid: no-transaction lock-timeout=300ms\nSET ROLE {role}; VACUUM FULL big"
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        timer = threading.Timer(1.5, reader.rollback)
        timer.start()
        try:
            report = pgbraid.load({"1_a.sql": text}).up(big.conninfo)
        finally:
            timer.join()
    assert len(report.applied) == 1


# --- the file is edited while it is incomplete


def test_a_statement_whose_end_nobody_saw_is_not_run_again_because_one_was_put_before_it(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " IF (SELECT count(*) FROM log) = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
        " END IF; END $$"
    )
    with pytest.raises(pgbraid.ConnectionFailed):
        pgbraid.load({"1_a.sql": HEAD + "CALL p()"}).up(database.conninfo)
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": HEAD + "VACUUM log; CALL p()"}).up(database.conninfo)
    assert database.rows("SELECT * FROM log") == [(1,)]


def test_a_renamed_index_leaves_no_invalid_one_behind_it(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = HEAD + "CREATE UNIQUE INDEX CONCURRENTLY {} ON big (c)"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text.format("one")}).up(big.conninfo)
    big.run("DELETE FROM big WHERE a = 0")
    try:
        pgbraid.load({"1_a.sql": text.format("two")}).up(big.conninfo)
    except pgbraid.PgbraidError:
        return
    assert big.rows("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid") == []


def test_an_index_of_somebodys_is_not_dropped_as_the_statement_was_renamed_to_it(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = "CREATE UNIQUE INDEX CONCURRENTLY {} ON big (c)"
    with (
        psycopg.connect(big.conninfo, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute(text.format("theirs"))
    oid = big.value("SELECT 'theirs'::regclass::oid")
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": HEAD + text.format("ours")}).up(big.conninfo)
    heard = []
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": HEAD + text.format("theirs")}).up(
            big.conninfo, on_event=heard.append
        )
    healed = [e.statement for e in heard if isinstance(e, LeftoverDropped)]
    assert healed == ["DROP INDEX CONCURRENTLY public.ours"]
    assert big.value("SELECT to_regclass('theirs')::oid") == oid


# --- dropped, and not ours


def test_a_drop_that_was_done_drops_no_index_of_that_name_further_on_the_path(big, cut_before):
    big.run("CREATE SCHEMA app; CREATE TABLE app.big (a int)")
    big.run("CREATE INDEX twice ON app.big (a); CREATE INDEX twice ON public.big (a)")
    text = HEAD + "SET search_path = app, public; DROP INDEX CONCURRENTLY twice"
    braid = pgbraid.load({"1_a.sql": text})
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        braid.up(big.conninfo)
    assert big.value("SELECT to_regclass('app.twice')") is None
    braid.up(big.conninfo)
    assert big.value("SELECT to_regclass('public.twice')") is not None


# --- REINDEX


@pytest.mark.parametrize(
    "what",
    [
        "SCHEMA CONCURRENTLY public",
        "TABLE CONCURRENTLY wide",
        f'INDEX CONCURRENTLY "{"é" * 31}"',
        f'INDEX CONCURRENTLY "{"e" * 63}"',
    ],
)
def test_no_copy_of_a_cut_reindex_is_left(big, what):
    big.run("CREATE TABLE wide (a int, t text); CREATE INDEX here ON wide (a)")
    big.run(f'CREATE INDEX "{"é" * 31}" ON wide (a); CREATE INDEX "{"e" * 63}" ON wide (a)')
    braid = pgbraid.load({"1_a.sql": HEAD + f"REINDEX {what}"})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO wide VALUES (1)")
        timer = threading.Timer(1, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop)
        timer.join()
    left = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    assert big.rows(left) != []
    assert len(braid.up(big.conninfo).applied) == 1
    assert big.rows(left) == []


# --- directives


@pytest.mark.parametrize("head", ["\\restrict abc\n", ";\n"])
def test_a_directive_before_the_first_statement_counts_or_is_refused(big, head):
    text = head + "-- pgbraid: retry-for=0 lock-timeout=100ms\nALTER TABLE big ADD x int"
    braid = pgbraid.load({"1_a.sql": text}, limits=Limits(retry_for=3))
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        begun = time.monotonic()
        with pytest.raises(pgbraid.PgbraidError):
            braid.up(big.conninfo)
    assert time.monotonic() - begun < 2.5, "it was passed over in silence"


# --- recording


def test_the_row_is_not_waited_for_without_a_bound_with_the_bodys_locks_held(big):
    braid = pgbraid.load(
        {"1_a.sql": "--", "2_b.sql": "ALTER TABLE big ADD x int"}, limits=Limits(retry_for=1)
    )
    braid.up(big.conninfo, to=1)
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations IN SHARE MODE")
        over, _ = in_thread(lambda: braid.up(big.conninfo), 6, big)
    assert over, "the body's ACCESS EXCLUSIVE lock is held as long as somebody holds the tracker"


# --- --to


def test_to_holds_for_what_is_half_done_too(big):
    big.run("CREATE TABLE gate ()")
    files = {"1_a.sql": "--", "5_b.sql": HEAD + "SELECT 1 / count(*) FROM gate"}
    with pytest.raises(MigrationFailed):
        pgbraid.load(files).up(big.conninfo)
    big.run("INSERT INTO gate DEFAULT VALUES")
    files |= {"3_c.sql": "--"}
    with contextlib.suppress(pgbraid.PgbraidError):
        pgbraid.load(files).up(big.conninfo, to=3)
    assert 5 not in big.versions()


# --- what the server refused is not done


def test_a_call_that_got_no_lock_says_so(big):
    text = "-- pgbraid: no-transaction lock-timeout=200ms retry-for=1s\nCALL p()"
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN LOCK TABLE big; END'")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        with pytest.raises(MigrationFailed) as caught:
            pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert caught.value.sqlstate == "55P03", caught.value.message


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX CONCURRENTLY here",
        "ALTER TABLE app.parent DETACH PARTITION child CONCURRENTLY",
    ],
)
def test_what_the_server_refused_is_not_taken_for_done_the_next_time(big, statement):
    if "DETACH" in statement and big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE SCHEMA app; CREATE TABLE app.parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE app.child PARTITION OF app.parent FOR VALUES IN (1)")
    big.run("CREATE TABLE app.t (n int); CREATE INDEX here ON app.t (n)")
    braid = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed, match="does not exist"):
        braid.up(big.conninfo)
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    assert big.versions() == []


def test_an_index_that_somebody_builds_by_hand_meanwhile_is_not_dropped(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    braid = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    big.run("DELETE FROM big WHERE a = 0")
    big.run("DROP INDEX one")
    heard = []
    with psycopg.connect(big.conninfo) as writer:
        writer.execute("INSERT INTO big VALUES (-1, -1, -1)")
        by_hand = threading.Thread(target=lambda: big.run(statement))
        by_hand.start()
        while big.value("SELECT to_regclass('one')") is None:
            time.sleep(0.05)
        timer = threading.Timer(1, writer.rollback)
        timer.start()
        with contextlib.suppress(pgbraid.PgbraidError):
            braid.up(big.conninfo, on_event=heard.append)
        timer.join()
        by_hand.join()
    assert [e.statement for e in heard if isinstance(e, LeftoverDropped)] == []


def test_the_statement_timeout_that_is_asked_for_holds_outside_a_transaction(big):
    big.run("CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(4); END'")
    with pytest.raises(MigrationFailed, match="statement timeout"):
        pgbraid.load({"1_a.sql": HEAD + "CALL p()"}, limits=Limits(statement_timeout=0.3)).up(
            big.conninfo
        )


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY one ON big ((big.a + 1)) WHERE big.b > 0",
        f"CREATE INDEX CONCURRENTLY {'n' * 80} ON big (a)",
        'CREATE INDEX CONCURRENTLY "o.N""e" ON ONLY "public" . "big" /* x */ (a) INCLUDE (b)'
        " WITH (fillfactor = 70) TABLESPACE pg_default WHERE a IS NOT NULL",
    ],
)
def test_an_index_that_was_cut_is_healed(big, statement):
    braid = pgbraid.load({"1_a.sql": HEAD + statement})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(0.8, stop.request)
        timer.start()
        try:
            with pytest.raises(pgbraid.Stopped):
                braid.up(big.conninfo, stop=stop)
        finally:
            timer.join()
    assert len(braid.up(big.conninfo).applied) == 1
    assert big.value("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'big'::regclass")


def test_three_statements_that_give_the_lock_away(big):
    text = HEAD + "SELECT pg_advisory_unlock_all();" * 4 + "VACUUM big"
    assert len(pgbraid.load({"1_a.sql": text}).up(big.conninfo).applied) == 1


def test_a_prefix_of_anothers_copy_is_not_ours(big, cut_before):
    big.run("CREATE INDEX a ON big (a); CREATE UNIQUE INDEX ab ON big (b)")
    braid = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY a"})
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        braid.up(big.conninfo)
    with (
        psycopg.connect(big.conninfo) as writer,
        psycopg.connect(big.conninfo, autocommit=True) as other,
    ):
        writer.execute("INSERT INTO big VALUES (-1, -1, -1)")
        other.execute("SET lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute("REINDEX INDEX CONCURRENTLY ab")
    heard = []
    braid.up(big.conninfo, on_event=heard.append)
    assert [e.statement for e in heard if isinstance(e, LeftoverDropped)] == []


# --- --role


@pytest.mark.parametrize("with_role", [False, True])
def test_the_options_of_the_environment_hold_with_a_role_too(big, cli, folder, role, with_role):
    big.run(f"CREATE SCHEMA app; GRANT ALL ON SCHEMA app, public TO {role}")
    folder.write(_1_a="CREATE TABLE here ()")
    own = conninfo_to_dict(big.conninfo)
    url = make_conninfo(**{k: own[k] for k in ("host", "port", "user", "dbname")})
    env = {"PGOPTIONS": "-c search_path=app", "PGBRAID_DATABASE_URL": url}
    cli("up", *(("--role", role) if with_role else ()), env=env, code=0)
    assert big.value("SELECT to_regclass('app.here')") is not None


def test_a_setting_that_is_no_text_is_not_shown(cli, folder, tmp_path):
    folder.write(_1_a="--")
    (tmp_path / "pgbraid.toml").write_text('direct_url = ["postgresql://u:hunter2@h/d"]')
    answer = cli("up")
    assert answer.code
    assert "hunter2" not in answer.out + answer.err


def test_no_terminal_escape_of_another_session_is_printed(big, cli, folder):
    folder.write(_1_a="ALTER TABLE big ADD x int")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        other.execute("SELECT '\x1b]0;pwned\x07'")
        answer = cli("up", "--retry-for", "1s")
    assert answer.code
    assert "\x1b]0" not in answer.err + answer.out


# --- stops


WAITS = {
    "pause": ("ALTER TABLE big ADD x int", "LOCK TABLE big IN ACCESS SHARE MODE", 3.0),
    "index": (HEAD + "CREATE INDEX CONCURRENTLY i ON big (a)", "INSERT INTO big VALUES (1)", 1.0),
    "vacuum": (HEAD + "VACUUM FULL big", "LOCK TABLE big IN ACCESS SHARE MODE", 1.0),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("wait", WAITS)
def test_a_signal_ends_every_wait(big, cli, folder, wait, number):
    text, blocking, after = WAITS[wait]
    folder.write(_1_a=text)
    with psycopg.connect(big.conninfo) as other:
        other.execute(blocking)
        process = cli.start("up")
        time.sleep(after + 1)
        process.send_signal(number)
        out, err = process.communicate(timeout=6)
    assert process.returncode, (out, err)
    assert "Traceback" not in err


@pytest.mark.parametrize("wait", WAITS)
def test_a_cancelled_task_ends_every_wait(big, wait):
    text, blocking, after = WAITS[wait]
    braid = pgbraid.load({"1_a.sql": text})

    async def main():
        task = asyncio.create_task(braid.aup(big.conninfo))
        await asyncio.sleep(after)
        task.cancel()
        begun = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begun

    with psycopg.connect(big.conninfo) as other:
        other.execute(blocking)
        assert asyncio.run(main()) < 3


def test_a_refused_watch_changes_nothing(big, role):
    big.run(f"ALTER ROLE {role} CONNECTION LIMIT 1; GRANT ALL ON SCHEMA public TO {role}")
    text = "CREATE TABLE mine (); SELECT pg_sleep(1)"
    assert len(pgbraid.load({"1_a.sql": text}).up(big.as_role(role)).applied) == 1


# --- the journal


def test_a_line_that_a_trigger_swallows_lets_nothing_run_twice(big):
    big.run("CREATE TABLE log (n int); CREATE TABLE gate ()")
    pgbraid.load({"1_a.sql": "--"}).up(big.conninfo)
    big.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        " CREATE TRIGGER no BEFORE INSERT ON applied_migrations_journal FOR EACH ROW"
        " WHEN (new.event = 'statement_done') EXECUTE FUNCTION no()"
    )
    text = HEAD + "INSERT INTO log VALUES (1); SELECT 1 / count(*) FROM gate"
    braid = pgbraid.load({"1_a.sql": "--", "2_b.sql": text})
    for _ in range(2):
        with pytest.raises(pgbraid.PgbraidError):
            braid.up(big.conninfo)
    assert len(big.rows("SELECT n FROM log")) <= 1


@pytest.mark.parametrize("right", ["SELECT", "INSERT"])
def test_nothing_runs_without_the_journal(big, role, right):
    big.run("CREATE TABLE log (n int)")
    pgbraid.load({"1_a.sql": "--"}).up(big.conninfo)
    big.run(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; GRANT ALL ON SCHEMA public TO {role};"
        f"REVOKE {right} ON applied_migrations_journal FROM {role}"
    )
    text = HEAD + "INSERT INTO log VALUES (1); INSERT INTO log VALUES (2)"
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": "--", "2_b.sql": text, "3_c.sql": "--"}).up(big.as_role(role))
    assert big.rows("SELECT n FROM log") == []
    assert big.versions() == [1]


def test_an_adoption_does_not_take_what_is_half_done_for_applied(big):
    big.run("CREATE TABLE gate (); CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    big.run("INSERT INTO schema_migrations VALUES (1, false)")
    text = HEAD + "CREATE TABLE t (); SELECT 1 / count(*) FROM gate"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}, adopt=False).up(big.conninfo)
    with contextlib.suppress(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert big.versions() == []


# --- settings


def test_settings_of_every_kind(big, role):
    big.run(
        f"CREATE SCHEMA app; GRANT ALL ON SCHEMA app, public TO {role}; CREATE TABLE log (s text);"
        f"GRANT ALL ON log TO {role}"
    )
    text = (
        HEAD
        + f"""
SET TIME ZONE 'Asia/Tokyo'; SET SESSION AUTHORIZATION {role};
SET search_path = nowhere, app, public;
SET LOCAL x.y = 'local';
INSERT INTO log VALUES (current_setting('TimeZone')), (current_user),
    (current_setting('x.y', true));
CREATE TABLE t (n int); CREATE INDEX CONCURRENTLY i ON t (n);
RESET SESSION AUTHORIZATION; RESET ALL;
INSERT INTO log VALUES (current_user = '{role}'), (current_setting('search_path'));
CREATE SCHEMA nowhere; SET search_path = nowhere; CREATE TABLE u (); VACUUM u
"""
    )
    pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    found = [r for (r,) in big.rows("SELECT s FROM log")]
    assert found[:2] == ["Asia/Tokyo", role]
    assert found[2] in (None, "")
    assert found[3:] == ["false", '"$user", public']
    assert big.value(
        "SELECT to_regclass('app.i') IS NOT NULL AND to_regclass('nowhere.u') IS NOT NULL"
    )
    assert (
        big.value("SELECT relowner::regrole::text FROM pg_class WHERE oid = 'app.t'::regclass")
        == role
    )


def test_a_setting_by_set_config_holds_or_is_told(big):
    big.run("CREATE SCHEMA app")
    text = HEAD + "SELECT set_config('search_path', 'app', false); CREATE TABLE t ()"
    heard = []
    try:
        pgbraid.load({"1_a.sql": text}).up(big.conninfo, on_event=heard.append)
    except pgbraid.PgbraidError:
        return
    assert big.value("SELECT to_regclass('app.t')") is not None


def test_reindex_concurrently_off_runs_in_a_transaction(big):
    if big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE INDEX here ON big (a)")
    assert (
        len(
            pgbraid.load({"1_a.sql": "REINDEX (CONCURRENTLY off) TABLE big"})
            .up(big.conninfo)
            .applied
        )
        == 1
    )


def test_a_file_whose_last_setting_is_wrong_is_not_applied(big):
    with pytest.raises(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": HEAD + "VACUUM big; SET work_mem = 'nonsense'"}).up(big.conninfo)


def test_synchronous_commit_of_a_role_that_is_off_does_not_hold(big):
    big.run(
        "ALTER DATABASE "
        + conninfo_to_dict(big.conninfo)["dbname"]
        + " SET synchronous_commit = off"
    )
    big.run("CREATE TABLE log (s text)")
    text = HEAD + "INSERT INTO log VALUES (current_setting('synchronous_commit')); CALL p()"
    big.run(
        "CREATE PROCEDURE p() LANGUAGE sql AS"
        " $$INSERT INTO log VALUES (current_setting('synchronous_commit'))$$"
    )
    pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    assert big.rows("SELECT s FROM log") == [("on",), ("on",)]


@pytest.mark.parametrize("batch", [False, True])
def test_batch_with_limits_of_files(big, batch):
    big.run("CREATE TABLE log (n int, s text)")
    say = "INSERT INTO log VALUES ({}, current_setting('lock_timeout'))"
    files = {f"{n}_m.sql": say.format(n) for n in (1, 3, 5)}
    files["2_m.sql"] = "-- pgbraid: lock-timeout=7s\n" + say.format(2)
    files["4_m.sql"] = HEAD + say.format(4) + "; VACUUM log"
    pgbraid.load(files).up(big.conninfo, batch=batch)
    assert big.versions() == [1, 2, 3, 4, 5]
    assert big.rows("SELECT n, s FROM log ORDER BY n") == [
        (n, "7s" if n == 2 else "500ms") for n in range(1, 6)
    ]


def test_a_dry_run_runs_nothing_of_it(big):
    files = {"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY i ON big (a); CREATE TABLE i ()"}
    pgbraid.load(files).up(big.conninfo, dry_run=True)
    assert big.value("SELECT to_regclass('i')") is None


def test_a_stale_refusal_is_no_licence_to_run_again(big, cut_before):
    """First it is refused, then it is done and its end not seen: nobody knows, so ask."""
    name = conninfo_to_dict(big.conninfo)["dbname"] + "_x"
    braid = pgbraid.load({"1_a.sql": HEAD + f"DROP DATABASE {name}"})
    with pytest.raises(MigrationFailed, match="does not exist"):
        braid.up(big.conninfo)
    big.run(f"CREATE DATABASE {name}")
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        braid.up(big.conninfo)
    with pytest.raises(MigrationFailed, match="is not known"):
        braid.up(big.conninfo)


def test_retry_helps_where_it_is_named(big):
    """The hint of a taken name is --retry, which cannot work."""
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    text = HEAD + "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": text}).up(big.conninfo)
    big.run("DELETE FROM big WHERE a = 0; DROP INDEX one; CREATE INDEX one ON big (b)")
    braid = pgbraid.load({"1_a.sql": text})
    with pytest.raises(MigrationFailed) as caught:
        braid.up(big.conninfo)
    if "--retry" in caught.value.hint:
        braid.resume(big.conninfo, 1, how="retry")


# --- more of the pool


ON_CONNECT = "connect_query='SET search_path = app; SET statement_timeout = 5000'"


@pytest.mark.parametrize("pool", [ON_CONNECT], indirect=True)
def test_what_the_pool_itself_has_set_is_not_taken_from_its_clients(database, pool):
    database.run("CREATE SCHEMA app")
    shown = "SELECT current_setting('search_path'), current_setting('statement_timeout')"
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        before = conn.execute(shown).fetchone()
    assert before == ("app", "5s")
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        assert conn.execute(shown).fetchone() == before


@pytest.mark.parametrize("pool", [ON_CONNECT], indirect=True)
def test_a_body_sees_the_path_that_every_client_of_the_pool_sees(database, pool):
    database.run("CREATE SCHEMA app")
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    assert database.value("SELECT to_regclass('app.here')") is not None


def test_a_stop_ends_the_wait_for_the_watch_in_a_full_pool(database, pool):
    stop = pgbraid.StopToken()
    timer = threading.Timer(2, stop.request)
    timer.start()
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE t (); SELECT pg_sleep(30)"})
    over, found = in_thread(lambda: braid.up(pool, stop=stop), 10, database)
    timer.join()
    assert over, "a stop does not reach it either"
    assert isinstance(found[0], pgbraid.Stopped)


# --- more of waiting


def test_a_lock_that_a_look_at_the_catalog_does_not_get_is_tried_for_again(big):
    """The driver's own error passes by the retries, which know ours alone."""
    braid = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(0.8, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop)
        timer.join()
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big")
        timer = threading.Timer(2, other.rollback)
        timer.start()
        try:
            assert len(braid.up(big.conninfo).applied) == 1
        finally:
            timer.join()


def test_a_role_without_temporary_tables_is_not_told_a_wrong_thing(big, role):
    big.run(f"ALTER TABLE big OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    name = conninfo_to_dict(big.conninfo)["dbname"]
    big.run(f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
    braid = pgbraid.load({"1_a.sql": HEAD + "CREATE INDEX CONCURRENTLY one ON big (a)"})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(0.8, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.as_role(role), stop=stop)
        timer.join()
    assert len(braid.up(big.as_role(role)).applied) == 1


@pytest.mark.parametrize("batch", [False, True])
def test_a_retry_runs_nothing_twice(big, batch):
    big.run("CREATE TABLE log (n int)")
    files = {
        "1_a.sql": "INSERT INTO log VALUES (1)",
        "2_b.sql": "INSERT INTO log VALUES (2); ALTER TABLE big ADD x int",
        "3_c.sql": "INSERT INTO log VALUES (3)",
    }
    with psycopg.connect(big.conninfo) as other:
        other.execute("SELECT FROM big")
        timer = threading.Timer(1.5, other.rollback)
        timer.start()
        report = pgbraid.load(files).up(big.conninfo, batch=batch)
        timer.join()
    assert big.rows("SELECT n FROM log ORDER BY n") == [(1,), (2,), (3,)]
    assert [o.migration.version for o in report.applied] == [1, 2, 3]


def test_a_forgetting_runs_no_code_of_another_role(big, role):
    braid = pgbraid.load({"1_a.sql": HEAD + "SELECT 1 / 0"})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    big.run("CREATE TABLE ran (who text); GRANT ALL ON ran TO PUBLIC")
    big.run(
        f"GRANT ALL ON SCHEMA public TO {role};"
        f"GRANT TRIGGER ON applied_migrations_journal TO {role}"
    )
    with psycopg.connect(big.as_role(role), autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN INSERT INTO public.ran VALUES (current_user); RETURN new; END'"
        )
        conn.execute(
            "CREATE TRIGGER evil BEFORE INSERT ON applied_migrations_journal FOR EACH ROW"
            " EXECUTE FUNCTION evil()"
        )
    with pytest.raises(pgbraid.PgbraidError):
        braid.up(big.conninfo)
    assert big.rows("SELECT * FROM ran") == []
    with contextlib.suppress(pgbraid.PgbraidError):
        braid.resume(big.conninfo, 1, how="forget")
    assert big.rows("SELECT * FROM ran") == []


def test_skipping_over_an_invalid_index_that_is_then_dropped_leaves_no_hole(big):
    """--skip is refused as the index is not valid; the hint says that up builds it then."""
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    with (
        psycopg.connect(big.conninfo, autocommit=True) as conn,
        pytest.raises(psycopg.errors.UniqueViolation),
    ):
        conn.execute(statement)
    braid = pgbraid.load({"1_a.sql": HEAD + statement})
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    with pytest.raises(MigrationFailed, match="is not valid") as caught:
        braid.resume(big.conninfo, 1, how="skip")
    assert "goes on with this statement" in caught.value.hint
    big.run("DELETE FROM big WHERE a = 0; DROP INDEX one")
    braid.up(big.conninfo)
    assert big.versions() == [1]
    assert big.value("SELECT to_regclass('one')") is not None, "applied, and no index there"


def test_skipping_a_cut_reindex_leaves_no_invalid_copy(big):
    big.run("CREATE INDEX here ON big (a)")
    braid = pgbraid.load({"1_a.sql": HEAD + "REINDEX INDEX CONCURRENTLY here"})
    stop = pgbraid.StopToken()
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (-1, -1, -1)")
        timer = threading.Timer(0.8, stop.request)
        timer.start()
        with pytest.raises(pgbraid.Stopped):
            braid.up(big.conninfo, stop=stop)
        timer.join()
    with contextlib.suppress(pgbraid.PgbraidError):
        braid.resume(big.conninfo, 1, how="skip")
    left = big.rows("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
    assert left == [] or big.versions() == []


def test_a_certificates_password_is_one_too(cli, folder, tmp_path):
    folder.write(_1_a="--")
    (tmp_path / "pgbraid.toml").write_text(
        'direct_url = "postgresql://u@127.0.0.1:1/d?sslpassword=hunter2"'
    )
    answer = cli("up")
    assert "contains a password" in answer.err, answer.err


@pytest.mark.parametrize("fresh", [False, True])
def test_the_place_of_an_error_with_limits_of_the_file(database, fresh):
    if not fresh:
        database.run("CREATE TABLE somebodys ()")
    text = "-- pgbraid: lock-timeout=2s\nCREATE TABLE a (n int);\n"
    text += "INSERT INTO a SELECT 1 / count(*) FROM a;\n"
    with pytest.raises(MigrationFailed, match="division") as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.diagnostic.location.line == 3
    text = text.replace("1 / ", "")
    assert len(pgbraid.load({"1_a.sql": text}).up(database.conninfo).applied) == 1


def test_a_setting_of_the_transaction_does_not_make_a_statement_run_outside_one(database):
    database.run("CREATE TABLE log (n int)")
    text = HEAD + "SET transaction_isolation = 'repeatable read'; INSERT INTO log VALUES (1)"
    with contextlib.suppress(pgbraid.PgbraidError):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert ("statement_started", 1) not in database.events()


def test_a_journal_that_is_locked_for_a_while_is_waited_for(big):
    """The line `started` stands outside the retries."""
    pgbraid.load({"0_z.sql": "--"}).up(big.conninfo)
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE applied_migrations_journal IN SHARE MODE")
        timer = threading.Timer(1.5, other.rollback)
        timer.start()
        try:
            assert (
                len(
                    pgbraid.load({"0_z.sql": "--", "1_a.sql": HEAD + "VACUUM big"})
                    .up(big.conninfo)
                    .applied
                )
                == 1
            )
        finally:
            timer.join()


def test_a_waiting_detach_blocks_no_reader_of_the_partition(big):
    """The manual: it ends with an ACCESS EXCLUSIVE lock on the partition; ours has no limit."""
    if big.value("SHOW server_version_num") < "140000":
        pytest.skip("came with PostgreSQL 14")
    big.run("CREATE TABLE parent (n int) PARTITION BY LIST (n)")
    big.run("CREATE TABLE child PARTITION OF parent FOR VALUES IN (1)")
    text = HEAD + "ALTER TABLE parent DETACH PARTITION child CONCURRENTLY"
    limits = Limits(retry_for=1)
    stop = pgbraid.StopToken()

    def up():
        with contextlib.suppress(pgbraid.PgbraidError):
            pgbraid.load({"1_a.sql": text}, limits=limits).up(big.conninfo, stop=stop)

    with psycopg.connect(big.conninfo) as report, psycopg.connect(big.conninfo) as other:
        report.execute("SELECT n FROM child")
        run = threading.Thread(target=up)
        run.start()
        time.sleep(3)
        try:
            other.execute("SET lock_timeout = '2s'")
            other.execute("SELECT n FROM child")
        finally:
            stop.request()
            other.rollback()
            report.rollback()
            run.join()


@pytest.mark.parametrize("lead", [300_000, 262_144 - len("-- pgbraid: lock-timeout=2")])
def test_a_directive_behind_a_long_head_of_a_large_file_counts(lead):
    head = "-" * (lead - 1) + "\n" + "-- pgbraid: lock-timeout=25s\n"
    text = head + "SELECT 1;\n" * 100_000
    (migration,) = pgbraid.load({"1_a.sql": text}).migrations.migrations
    assert migration.directives.lock_timeout == 25.0


def test_the_role_asked_for_comes_back_after_every_body(big, cli, folder, role):
    big.run(f"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON big TO {role}")
    folder.write(
        _1_a="SET ROLE NONE; CREATE TABLE a ()",
        _2_b="CREATE TABLE b ()",
        _3_c=HEAD
        + "SET SESSION AUTHORIZATION postgres; CREATE TABLE c (); RESET SESSION AUTHORIZATION;"
        " RESET ALL; CREATE TABLE d (); VACUUM d",
        _4_d="CREATE TABLE e ()",
    )
    answer = cli("up", "--role", role)
    assert answer.code == 0, answer.err
    owners = big.rows(
        "SELECT relname, relowner::regrole::text FROM pg_class"
        " WHERE relname = ANY ('{a,b,c,d,e,applied_migrations}') ORDER BY 1"
    )
    assert owners == [
        ("a", "postgres"),
        ("applied_migrations", role),
        ("b", role),
        ("c", "postgres"),
        ("d", role),
        ("e", role),
    ]
