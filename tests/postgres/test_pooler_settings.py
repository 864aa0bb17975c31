"""Settings of a pool and of its clients survive a run; settings of a migration do not."""

import contextlib

import psycopg
import pytest

import pgbraid
from pgbraid import MigrationFailed
from tests.fixtures.interruption import call_after


def test_stop_leaves_no_prepared_statement_in_pool(database, pool):
    stop = pgbraid.StopToken()
    with call_after(0.15, stop.request):
        text = "PREPARE leaked AS SELECT 1; DO 'BEGIN PERFORM pg_sleep(9); END'"
        with pytest.raises(pgbraid.Stopped):
            pgbraid.load({"1_a.sql": text}).up(pool, stop=stop)
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        prepared = conn.execute("SELECT name FROM pg_prepared_statements WHERE from_sql").fetchall()
    assert prepared == []


ON_CONNECT = "connect_query='SET search_path = app; SET statement_timeout = 5000'"


@pytest.mark.parametrize("pool", [ON_CONNECT], indirect=True)
def test_settings_of_connect_query_stay_for_clients_of_pool(database, pool):
    database.run("CREATE SCHEMA app")
    shown = "SELECT current_setting('search_path'), current_setting('statement_timeout')"
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        before = conn.execute(shown).fetchone()
    assert before == ("app", "5s")
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    with psycopg.connect(pool, prepare_threshold=None) as conn:
        assert conn.execute(shown).fetchone() == before


@pytest.mark.parametrize("pool", [ON_CONNECT], indirect=True)
def test_migration_has_search_path_of_pool(database, pool):
    database.run("CREATE SCHEMA app")
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    assert database.value("SELECT to_regclass('app.here')") is not None


def fetch_one(pool, query):
    with psycopg.connect(pool, prepare_threshold=None, autocommit=True) as conn:
        return conn.execute(query).fetchone()


@pytest.mark.parametrize("pool", ["connect_query='SET ROLE pg_monitor'"], indirect=True)
def test_role_of_pool_is_not_taken_from_its_clients(database, pool):
    database.run("GRANT ALL ON SCHEMA public TO pg_monitor")
    query = "SELECT current_user, pg_backend_pid()"
    before = fetch_one(pool, query)
    assert before[0] == "pg_monitor"
    files = {"1_a.sql": "CREATE TABLE here ()", "2_b.sql": "SET ROLE NONE; SELECT 1"}
    assert len(pgbraid.load(files).up(pool).applied) == 2
    assert fetch_one(pool, query) == before


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
def test_setting_of_pools_own_is_not_taken_from_its_clients(database, pool, body):
    query = "SELECT current_setting('app.tenant', true), pg_backend_pid()"
    before = fetch_one(pool, query)
    with contextlib.suppress(MigrationFailed):
        pgbraid.load({"1_a.sql": body}).up(pool)
    assert fetch_one(pool, query) == before


@pytest.mark.parametrize("path", ["", "public;CREATE/**/TABLE/**/pwned()"])
def test_search_path_left_by_client_is_quoted_as_value(database, pool, path):
    with psycopg.connect(pool, prepare_threshold=None, autocommit=True) as conn:
        conn.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (path,))
    pgbraid.load({"1_a.sql": "CREATE TABLE public.here ()"}).up(pool)
    assert database.value("SELECT count(*) FROM pg_class WHERE relname = 'pwned'") == 0


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
def test_no_client_of_pool_has_settings_of_migration(database, pool, setting):
    pgbraid.load({"1_a.sql": setting}).up(pool)
    assert fetch_one(pool, "SELECT nullif(current_setting('app.tenant', true), '')") == (None,)


@pytest.mark.parametrize(
    "pool", ["connect_query='SET log_min_messages = error; SET ROLE pg_monitor'"], indirect=True
)
def test_setting_that_pool_role_may_not_set_is_unchanged(database, pool):
    database.run("GRANT ALL ON SCHEMA public TO pg_monitor")
    query = "SELECT current_user, current_setting('log_min_messages')"
    before = fetch_one(pool, query)
    pgbraid.load({"1_a.sql": "CREATE TABLE here ()"}).up(pool)
    assert fetch_one(pool, query) == before
