"""Findings of a second hostile reading: each fails for the wrong outcome that it names."""

import contextlib
import threading
import time

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.migrate.execution import lock_retry
from pgbraid.migrate.nontransactional.statement_run import StatementRun
from pgbraid.model.events import LeftoverDropped

HEAD = "-- pgbraid: no-transaction\n"
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"


@pytest.fixture
def big(database):
    database.run("CREATE TABLE big AS SELECT n a, n b, n c FROM generate_series(1, 2000) n")
    return database


@pytest.fixture
def since_14(database):
    """What REINDEX can only do from PostgreSQL 14 on."""
    if database.value("SELECT current_setting('server_version_num')::int") < 140000:
        pytest.skip("PostgreSQL 13 cannot do that")


@pytest.fixture
def parted(big, since_14):
    """A partitioned table of two partitions, with an index."""
    big.run(
        "CREATE TABLE p (n int) PARTITION BY LIST (n); CREATE INDEX pi ON p (n);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)"
    )
    return big


def load(text):
    return pgbraid.load({"1_a.sql": HEAD + text})


def healed(braid, database):
    """What was taken away, in a run that may fail."""
    heard = []
    with contextlib.suppress(pgbraid.PgbraidError):
        braid.up(database.conninfo, on_event=heard.append)
    return [event.statement for event in heard if isinstance(event, LeftoverDropped)]


# --- a statement that was begun, and that the file no longer has


def test_a_call_that_was_edited_is_not_run_again_unasked(database):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
        " IF (SELECT count(*) FROM log) = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
        " END IF; END $$"
    )
    with pytest.raises(pgbraid.ConnectionFailed):
        load("CALL p()").up(database.conninfo)
    edited = load("CALL public.p()")
    with pytest.raises(MigrationFailed, match="started with another text") as caught:
        edited.up(database.conninfo)
    assert "CALL p()" in caught.value.detail
    assert database.rows("SELECT * FROM log") == [(1,)]
    edited.resume(database.conninfo, 1, how="skip", statement=1)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]
    assert database.versions() == [1]


def test_a_drop_that_was_done_and_edited_drops_no_other_unasked(big, cut_before):
    big.run("CREATE SCHEMA app; CREATE TABLE app.big (a int)")
    big.run("CREATE INDEX twice ON app.big (a); CREATE INDEX twice ON public.big (a)")
    text = "SET search_path = app, public; DROP INDEX CONCURRENTLY {}twice"
    cut_before("statement_done")
    with pytest.raises(RuntimeError):
        load(text.format("")).up(big.conninfo)
    assert big.value("SELECT to_regclass('app.twice')") is None
    with pytest.raises(MigrationFailed, match="started with another text, and it was done"):
        load(text.format("IF EXISTS ")).up(big.conninfo)
    assert big.value("SELECT to_regclass('public.twice')") is not None


@pytest.mark.parametrize(
    ("begun", "edited"),
    [
        ("REINDEX TABLE CONCURRENTLY big", "SELECT 1"),
        ("REINDEX TABLE CONCURRENTLY big", "REINDEX INDEX CONCURRENTLY there"),
        ("REINDEX INDEX CONCURRENTLY here", "SELECT 1"),
        ("CREATE INDEX CONCURRENTLY new ON big (c)", "SELECT 1"),
    ],
)
def test_what_an_edited_statement_left_is_taken_away(big, begun, edited, cut_running):
    big.run("CREATE INDEX here ON big (a); CREATE INDEX there ON big (b)")
    cut_running(big, load(begun), "INSERT INTO big VALUES (1)")
    assert big.rows(INVALID)
    load(edited).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_a_drop_that_was_cut_and_taken_out_of_the_file_is_asked_about(big, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    cut_running(big, load("DROP INDEX CONCURRENTLY here"), "INSERT INTO big VALUES (1)")
    with pytest.raises(MigrationFailed, match=r"the index public\.here is invalid"):
        load("SELECT 1").up(big.conninfo)
    assert big.versions() == []


# --- settings and names are a part of what was begun


def test_a_changed_setting_before_a_statement_that_is_through_is_refused(big):
    big.run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE gate ()")
    text = "SET search_path = {}; CREATE TABLE t (); SELECT 1 / count(*) FROM public.gate"
    with pytest.raises(MigrationFailed):
        load(text.format("a")).up(big.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(text.format("b")).up(big.conninfo)
    (problem,) = caught.value.problems
    assert problem.code == "incomplete_changed"
    assert "a SET before that" in problem.message


def test_an_index_cut_under_other_settings_is_found(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.x (n int); CREATE TABLE b.x (n int)")
    text = "SET search_path = {}; CREATE INDEX CONCURRENTLY one ON x (n)"
    cut_running(big, load(text.format("a")), "INSERT INTO a.x VALUES (1)")
    load(text.format("b")).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_a_name_that_stands_for_another_table_now_is_asked_about(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE TABLE public.x (n int)")
    braid = load("SET search_path = a, public; CREATE INDEX CONCURRENTLY one ON x (n)")
    cut_running(big, braid, "INSERT INTO public.x VALUES (1)")
    big.run("CREATE TABLE a.x (n int)")
    with pytest.raises(MigrationFailed, match="x is another table now"):
        braid.up(big.conninfo)
    assert big.versions() == []


def test_a_name_that_stands_for_another_index_now_is_not_dropped(big, cut_running):
    big.run("CREATE SCHEMA a; CREATE INDEX one ON big (a)")
    braid = load("SET search_path = a, public; DROP INDEX CONCURRENTLY one")
    cut_running(big, braid, "INSERT INTO big VALUES (1)")
    big.run("CREATE TABLE a.big (a int); CREATE INDEX one ON a.big (a)")
    with pytest.raises(MigrationFailed, match="one is another index now"):
        braid.up(big.conninfo)
    assert big.value("SELECT to_regclass('a.one')") is not None


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "SET app.mode = 'x'; SELECT 1; RESET app.mode;"
            "CREATE TABLE log AS SELECT nullif(current_setting('app.mode', true), '') AS s",
            "SELECT s IS NULL FROM log",
        ),
        (
            "SET SCHEMA 'app'; CREATE TABLE one (); RESET search_path; CREATE TABLE two ()",
            "SELECT to_regclass('public.two') IS NOT NULL AND to_regclass('app.one') IS NOT NULL",
        ),
    ],
)
def test_a_reset_takes_back_what_was_set(database, text, question):
    database.run("CREATE SCHEMA app")
    load(text).up(database.conninfo)
    assert database.value(question)


def test_a_setting_that_cannot_be_made_any_more_stops_no_finished_file(big, role):
    big.run(f"GRANT ALL ON SCHEMA public TO {role}; ALTER TABLE big OWNER TO {role}")
    new = f"{role}_new"
    text = (
        f"CREATE ROLE {new}; GRANT ALL ON SCHEMA public TO {new}; ALTER TABLE big OWNER TO {new};"
        f"SET ROLE {new}; CREATE INDEX CONCURRENTLY one ON big (a); RESET ROLE;"
        f"ALTER TABLE big OWNER TO {role}; DROP OWNED BY {new}; DROP ROLE {new}"
    )
    assert len(load(text).up(big.conninfo).applied) == 1


def test_an_odd_encoding_does_not_keep_a_look_from_being_read(big, cut_running):
    braid = load("SET client_encoding = 'SQL_ASCII'; CREATE INDEX CONCURRENTLY one ON big (a)")
    cut_running(big, braid, "INSERT INTO big VALUES (1)")
    assert len(braid.up(big.conninfo).applied) == 1
    assert big.rows(INVALID) == []


def test_an_update_of_settings_is_refused(database):
    text = "UPDATE pg_settings SET setting = 'app' WHERE name = 'search_path'; CREATE TABLE t ()"
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(text).up(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["setting_lost"]


# --- what is healed


def test_the_copies_of_a_partitioned_index_are_taken_away(parted, cut_running):
    braid = load("REINDEX INDEX CONCURRENTLY pi")
    cut_running(parted, braid, "INSERT INTO p VALUES (1)")
    assert parted.rows(INVALID)
    braid.up(parted.conninfo)
    assert (parted.rows(INVALID), parted.versions()) == ([], [1])


def test_reindex_of_something_partitioned_does_not_stop_writers_for_long(parted):
    braid = pgbraid.load(
        {"1_a.sql": HEAD + "REINDEX TABLE CONCURRENTLY p"}, limits=Limits(0.3, retry_for=20)
    )
    stop = pgbraid.StopToken()

    def up():
        with contextlib.suppress(pgbraid.PgbraidError):
            braid.up(parted.conninfo, stop=stop)

    thread = threading.Thread(target=up)
    with (
        psycopg.connect(parted.conninfo) as writer,
        psycopg.connect(parted.conninfo) as application,
    ):
        writer.execute("INSERT INTO p1 VALUES (1)")
        thread.start()
        time.sleep(1)
        application.execute("SET lock_timeout = '3s'")
        application.execute("INSERT INTO p1 VALUES (1)")
        stop.request()
    thread.join()


def test_a_plain_reindex_heals_nothing_of_anybodys(big):
    big.run("CREATE INDEX here ON big (a)")
    braid = pgbraid.load({"1_a.sql": HEAD + "REINDEX SCHEMA public"}, limits=Limits(retry_for=0))
    with psycopg.connect(big.conninfo) as other:
        other.execute("INSERT INTO big VALUES (1, 1, 1)")
        with pytest.raises(MigrationFailed):
            braid.up(big.conninfo)
        with psycopg.connect(big.conninfo, autocommit=True) as somebody:
            somebody.execute("SET statement_timeout = '500ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                somebody.execute("REINDEX INDEX CONCURRENTLY here")
    assert big.rows(INVALID) == [("here_ccnew",)]
    assert healed(braid, big) == []


def test_an_option_in_quotes_is_one_too(big, since_14, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    braid = load('REINDEX ("concurrently") INDEX here')
    cut_running(big, braid, "INSERT INTO big VALUES (1)")
    braid.up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_what_cannot_be_compared_is_not_dropped(big, monkeypatch):
    """It was begun and never ran; then somebody else failed to build an index of that name."""
    big.run("CREATE FUNCTION f(big) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.a'")
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    braid = load("CREATE INDEX CONCURRENTLY one ON big (f(big))")

    def die(*_words, **_options):
        raise RuntimeError

    monkeypatch.setattr(StatementRun, "prepare_session", die)
    with pytest.raises(RuntimeError):
        braid.up(big.conninfo)
    monkeypatch.undo()
    with pytest.raises(psycopg.errors.UniqueViolation):
        big.run("CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)")
    assert healed(braid, big) == []
    assert big.rows(INVALID) == [("one",)]


def test_anothers_failed_attempt_at_the_same_index_is_not_dropped(big):
    big.run("INSERT INTO big VALUES (0, 0, 1)")
    statement = "CREATE UNIQUE INDEX CONCURRENTLY one ON big (c)"
    braid = load(statement)
    with pytest.raises(MigrationFailed):
        braid.up(big.conninfo)
    big.run("DROP INDEX one")
    with pytest.raises(psycopg.errors.UniqueViolation):
        big.run(statement)
    assert healed(braid, big) == []
    assert big.rows(INVALID) == [("one",)]


# --- two runs at once


def test_a_retry_runs_nothing_that_another_run_has_done_meanwhile(big, monkeypatch):
    big.run("CREATE TABLE log (n int)")
    text = (
        "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); LOCK TABLE big; INSERT INTO log VALUES (1);"
        " END $$"
    )
    reader = psycopg.connect(big.conninfo)
    reader.execute("SELECT count(*) FROM big")
    real, once = lock_retry.reset_session, []

    def clean(session):
        if not once:
            once.append(True)
            reader.rollback()
            other = threading.Thread(target=lambda: load(text).up(big.conninfo))
            other.start()
            other.join(20)
        real(session)

    monkeypatch.setattr(lock_retry, "reset_session", clean)
    with contextlib.suppress(pgbraid.PgbraidError):
        load(text).up(big.conninfo)
    reader.close()
    assert big.rows("SELECT * FROM log") == [(1,)]


# --- what is said


@pytest.mark.parametrize("tail", ["SET work_mem = 'nonsense'", "SELECT 1 / 0"])
def test_what_is_half_done_is_not_said_to_be_rolled_back(database, cli, folder, tail):
    folder.write(_1_a=f"{HEAD}CREATE TABLE t (); {tail}")
    for _ in range(2):
        answer = cli("up", code=3)
        assert "rolled back" not in answer.err
        assert "1_a is incomplete: 1 of its 2 statements completed" in answer.err
    assert cli("up", "--json").json["error"]["incomplete"] is True


def test_no_password_is_in_the_line_of_a_statement_that_is_asked_about(
    database, cli, folder, cut_before
):
    text = "CREATE SUBSCRIPTION s CONNECTION 'password=hunter2' PUBLICATION p"
    folder.write(_1_a=HEAD + text)
    cut_before("failed")
    with pytest.raises((RuntimeError, pgbraid.PgbraidError)):
        folder.load().up(database.conninfo)
    answer = cli("up", code=3)
    assert "it is unknown whether" in answer.err
    assert "hunter2" not in answer.err + answer.out


# --- what is the pool's


def ask(pool, question):
    with psycopg.connect(pool, prepare_threshold=None, autocommit=True) as conn:
        return conn.execute(question).fetchone()


@pytest.mark.parametrize("pool", ["connect_query='SET ROLE pg_monitor'"], indirect=True)
def test_the_role_of_a_pool_is_not_taken_from_its_clients(database, pool):
    database.run("GRANT ALL ON SCHEMA public TO pg_monitor")
    question = "SELECT current_user, pg_backend_pid()"
    before = ask(pool, question)
    assert before[0] == "pg_monitor"
    files = {"1_a.sql": "CREATE TABLE here ()", "2_b.sql": "SET ROLE NONE; SELECT 1"}
    assert len(pgbraid.load(files).up(pool).applied) == 2
    assert ask(pool, question) == before


@pytest.mark.parametrize("pool", ["connect_query='SET app.tenant = 7'"], indirect=True)
@pytest.mark.parametrize(
    "body",
    [
        "CREATE TABLE here ()",
        "SET app.tenant = 8; CREATE TABLE here (); RESET app.tenant",
        "SELECT set_config('app.tenant', '8', false)",
        "SET app.tenant = 8; SELECT 1 / 0",
    ],
)
def test_a_setting_of_a_pools_own_is_not_taken_from_its_clients(database, pool, body):
    question = "SELECT current_setting('app.tenant', true), pg_backend_pid()"
    before = ask(pool, question)
    with contextlib.suppress(MigrationFailed):
        pgbraid.load({"1_a.sql": body}).up(pool)
    assert ask(pool, question) == before


@pytest.mark.parametrize("path", ["", "public;CREATE/**/TABLE/**/pwned()"])
def test_a_path_that_a_client_has_left_is_a_value_and_no_statement(database, pool, path):
    with psycopg.connect(pool, prepare_threshold=None, autocommit=True) as conn:
        conn.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (path,))
    pgbraid.load({"1_a.sql": "CREATE TABLE public.here ()"}).up(pool)
    assert database.value("SELECT count(*) FROM pg_class WHERE relname = 'pwned'") == 0


# --- a third reading: two that are alike


CALLS = (
    "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); COMMIT;"
    " IF (SELECT count(*) FROM log) = {} THEN PERFORM pg_terminate_backend(pg_backend_pid());"
    " END IF; END $$"
)


def test_skip_is_for_one_of_two_that_are_alike(database):
    database.run("CREATE TABLE log (n int)")
    database.run(CALLS.format(1))
    braid = load("CALL p(); CALL p()")
    with pytest.raises(pgbraid.ConnectionFailed):
        braid.up(database.conninfo)
    braid.resume(database.conninfo, 1, how="skip", statement=1)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]


def test_a_statement_is_not_hidden_by_one_that_is_like_it_and_through(database):
    database.run("CREATE TABLE log (n int)")
    database.run(CALLS.format(2))
    with pytest.raises(pgbraid.ConnectionFailed):
        load("CALL p(); CALL p()").up(database.conninfo)
    with pytest.raises(MigrationFailed, match="started with another text"):
        load("CALL p(); CALL public.p()").up(database.conninfo)
    assert database.rows("SELECT * FROM log") == [(1,), (1,)]


def test_an_index_is_not_hidden_by_one_that_was_made_and_dropped_before(big):
    """The same statement twice: the first is through, the second leaves an invalid index."""
    index = "CREATE UNIQUE INDEX CONCURRENTLY i ON big (a)"
    text = f"{index}; DROP INDEX CONCURRENTLY i; INSERT INTO big VALUES (1, 1, 1); {{}}"
    with pytest.raises(MigrationFailed):
        load(text.format(index)).up(big.conninfo)
    assert big.rows(INVALID) == [("i",)]
    load(text.format("SELECT 1")).up(big.conninfo)
    assert (big.rows(INVALID), big.versions()) == ([], [1])


# --- a third reading: what was begun is settled with patience, and not let go of with a wound


def test_the_settling_of_what_is_gone_from_the_file_is_patient(big, cut_running):
    cut_running(big, load("CREATE INDEX CONCURRENTLY one ON big (a)"), "INSERT INTO big VALUES (1)")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big")
        timer = threading.Timer(1.5, other.rollback)
        timer.start()
        load("SELECT 1").up(big.conninfo)
        timer.join()
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_a_skip_does_not_let_go_of_an_invalid_index(big, cut_running):
    cut_running(big, load("CREATE INDEX CONCURRENTLY one ON big (a)"), "INSERT INTO big VALUES (1)")
    load("SELECT 1").resume(big.conninfo, 1, how="skip")
    assert (big.rows(INVALID), big.versions()) == ([], [1])


def test_a_skip_does_not_let_go_of_a_half_dropped_index(big, cut_running):
    big.run("CREATE INDEX here ON big (a)")
    cut_running(big, load("DROP INDEX CONCURRENTLY here"), "INSERT INTO big VALUES (1)")
    with pytest.raises(MigrationFailed, match=r"the index public\.here is invalid"):
        load("SELECT 1").resume(big.conninfo, 1, how="skip")
    big.run("DROP INDEX here")
    with pytest.raises(MigrationFailed, match="it was done"):
        load("SELECT 1").up(big.conninfo)
    load("SELECT 1").resume(big.conninfo, 1, how="skip")
    assert big.versions() == [1]


# --- a third reading: the journal


@pytest.mark.parametrize("end", ["RAISE 'after that'", "NULL"])
def test_a_call_that_empties_the_journal_makes_nothing_run_twice(database, end):
    database.run("CREATE TABLE log (n int)")
    database.run(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN"
        " DELETE FROM applied_migrations_journal; COMMIT; INSERT INTO log VALUES (2);"
        f" {end}; END $$"
    )
    braid = load("INSERT INTO log VALUES (1); CALL p(); INSERT INTO log VALUES (3)")
    with pytest.raises(MigrationFailed, match="are gone"):
        braid.up(database.conninfo)
    with contextlib.suppress(MigrationFailed):
        braid.up(database.conninfo)
    ran = [n for (n,) in database.rows("SELECT n FROM log ORDER BY n")]
    assert ran == ([1] if end != "NULL" else [1, 2, 3])


def test_a_journal_in_sql_ascii_takes_any_statement(server):
    name = "pgbraid_test_ascii"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {name}")
        conn.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
            " TEMPLATE template0"
        )
    conninfo = psycopg.conninfo.make_conninfo(server, dbname=name)
    try:
        text = "CREATE TABLE t (n text); CREATE INDEX CONCURRENTLY i ON t (n) WHERE n <> 'é'"
        load(text).up(conninfo)
        assert load(text).check(conninfo).ok
    finally:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name}")


# --- a third reading: who else's code


def test_a_view_in_the_journals_place_runs_nothing(database, role):
    database.run(f"CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as evil:
        evil.execute(
            "CREATE TABLE open.applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at timestamptz, checksum text);"
            "CREATE FUNCTION open.f() RETURNS bigint LANGUAGE plpgsql AS"
            " 'BEGIN CREATE TABLE public.trapped (); RETURN 1; END';"
            "CREATE VIEW open.applied_migrations_journal AS SELECT open.f() AS version,"
            " 'x'::text AS name, 'started'::text AS event, NULL::jsonb AS detail, 1 AS id"
        )
    braid = pgbraid.load({"1_a.sql": "--"}, schema="open")
    for verb in (braid.check, braid.status, braid.up):
        with pytest.raises(pgbraid.ServerError, match="is not an applied set"):
            verb(database.conninfo)
    assert database.value("SELECT to_regclass('public.trapped')") is None


def test_a_column_of_anothers_type_casts_nothing(database, role):
    database.run(f"CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as evil:
        evil.execute(
            "CREATE TYPE open.e AS ENUM ('x');"
            "CREATE TABLE open.applied_migrations (version bigint PRIMARY KEY, name text,"
            " applied_at open.e, checksum text);"
            "INSERT INTO open.applied_migrations VALUES (1, 'a', 'x', NULL);"
            "CREATE FUNCTION open.f(open.e) RETURNS timestamptz LANGUAGE plpgsql AS"
            " 'BEGIN CREATE TABLE public.trapped (); RETURN now(); END';"
            "CREATE CAST (open.e AS timestamptz) WITH FUNCTION open.f(open.e)"
        )
    braid = pgbraid.load({"1_a.sql": "--"}, schema="open")
    with pytest.raises(pgbraid.ServerError) as caught:
        braid.status(database.conninfo)
    assert "another role's type" in caught.value.detail
    assert database.value("SELECT to_regclass('public.trapped')") is None


@pytest.mark.parametrize(
    "column",
    [
        "x boolean DEFAULT false",
        "x text DEFAULT CURRENT_USER",
        "x uuid DEFAULT gen_random_uuid()",
        "x timestamp DEFAULT (now() AT TIME ZONE 'utc')",
        "x text[] DEFAULT '{}'",
        "x numeric(4, 1) DEFAULT 1.5",
        "x date DEFAULT CURRENT_DATE",
        "x timestamptz(3) DEFAULT statement_timestamp()",
        "x timestamp DEFAULT LOCALTIMESTAMP",
        "x varchar(10) DEFAULT NULL",
        "x varchar(10) DEFAULT lower('A')",
        "x serial",
        "x int CHECK (x > 0)",
        "x text CHECK (length(x) < 9)",
    ],
)
def test_an_ordinary_tracker_of_an_applications_role_is_taken(database, role, column):
    database.run(f"CREATE SCHEMA app AUTHORIZATION {role}")
    with psycopg.connect(database.as_role(role), autocommit=True) as application:
        application.execute(
            "CREATE TABLE app.applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
            f" applied_at timestamptz NOT NULL DEFAULT now(), checksum text, {column})"
        )
    report = pgbraid.load({"1_a.sql": "--"}, schema="app").up(database.conninfo)
    assert [problem.code for problem in report.warnings] == ["foreign_owner"]


def test_a_checksum_of_bytes_is_read_whatever_the_output_is(database):
    database.run(
        "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), checksum bytea)"
    )
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET bytea_output = 'escape'")
    pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.conninfo)
    problems = pgbraid.load({"1_a.sql": "SELECT 2"}).check(database.conninfo).problems
    assert [problem.code for problem in problems] == ["modified"]


# --- a third reading: the pool


@pytest.mark.parametrize(
    "setting",
    [
        "SET \"app.tenant\" = '8'",
        "SET \"app\".tenant = '8'",
        "SET app . tenant = '8'",
        "SET /* that */ app.tenant = '8'",
        "SET SESSION app.tenant TO '8'",
        "SELECT set_config($$app.tenant$$, '8', false)",
        "SELECT pg_catalog.set_config(E'app.tenant', '8', false)",
        "SELECT set_config(\n-- the tenant\n'app.tenant', '8', false)",
        "DO $do$ BEGIN PERFORM set_config('app.tenant', '8', false); END $do$",
    ],
)
def test_no_client_of_the_pool_sees_a_setting_of_the_bodys(database, pool, setting):
    pgbraid.load({"1_a.sql": setting}).up(pool)
    assert ask(pool, "SELECT nullif(current_setting('app.tenant', true), '')") == (None,)


@pytest.mark.parametrize(
    "pool", ["connect_query='SET log_min_messages = error; SET ROLE pg_monitor'"], indirect=True
)
def test_what_the_pools_role_may_not_set_is_left_as_it_is(database, pool):
    database.run("GRANT ALL ON SCHEMA public TO pg_monitor")
    question = "SELECT current_user, current_setting('log_min_messages')"
    before = ask(pool, question)
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    assert ask(pool, question) == before
