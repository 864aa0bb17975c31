"""Sizes and statements of a server of their own: its log, its extension, its standby."""

import re
import time

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from devtools.checkout import Skip
from devtools.cluster import Cluster
from pgbraid.hazards.workload import format_workload, parse_workload
from pgbraid.migrate.production import production_queries, production_sizes, sizes_and_queries
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.sql.parser import parse
from tests.fixtures.clusters import place

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "log_statement": "all",
    "log_line_prefix": "%u|",
    "log_lock_waits": "on",
    "deadlock_timeout": "1ms",
}


def started(cluster, **settings):
    cluster.stop()
    cluster.settings.update(settings)
    return cluster.start()


def execute(cluster, *statements, user="postgres"):
    conninfo = make_conninfo(cluster.database.conninfo, user=user)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def place_of(cluster, user="postgres"):
    target = parse_target(make_conninfo(cluster.database.conninfo, user=user))
    return target, LedgerTable(), StopToken()


@pytest.fixture
def observed(cluster, programs):
    """A server with pg_stat_statements, whose log has every statement and every wait."""
    try:
        started(cluster, **SETTINGS)
    except Exception:
        if "pg_stat_statements" in (cluster.folder / "log").read_text():
            pytest.skip("this server has no pg_stat_statements")
        raise
    execute(cluster, "CREATE EXTENSION pg_stat_statements")
    return cluster


def test_only_select_is_sent_and_nothing_waits(observed):
    """The role has CONNECT and pg_read_all_stats, and another session has locked every table."""
    execute(
        observed,
        "CREATE ROLE reader LOGIN; GRANT pg_read_all_stats TO reader",
        "REVOKE ALL ON DATABASE postgres FROM PUBLIC; GRANT CONNECT ON DATABASE postgres TO reader",
        "CREATE TABLE a (id int PRIMARY KEY, t text); CREATE PUBLICATION p FOR TABLE a",
        "SELECT id FROM a WHERE id = 1",
    )
    with psycopg.connect(observed.database.conninfo) as other:
        other.execute("LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
        sizes, workload = sizes_and_queries(*place_of(observed, "reader"), 100)
    assert set(sizes.tables) == {"public.a"}
    assert "SELECT id FROM a WHERE id = $1" in workload.queries
    log = (observed.folder / "log").read_text()
    texts = re.findall(r"^reader\|LOG:  statement: (.*\n(?:\t.*\n)*)", log, re.MULTILINE)
    words = [statement.words[0] for text in texts for statement in parse(text).statements]
    assert len(texts) == 3
    assert set(words) == {"SELECT"}
    assert not re.search(r"^reader\|(?!LOG:  statement)", log, re.MULTILINE)


def test_statements_are_those_of_clients_by_calls(observed):
    execute(
        observed,
        "CREATE SCHEMA app; CREATE TABLE app.a (id int, t text)",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE plpgsql"
        " AS $$ BEGIN RETURN (SELECT count(*) FROM app.a WHERE t = 'inside'); END $$",
        "ALTER SYSTEM SET pg_stat_statements.track = 'all'",
        "SELECT pg_reload_conf()",
    )
    execute(observed, "SELECT pg_stat_statements_reset()")
    execute(
        observed,
        *["/* trace: 42 */ SELECT id\n  FROM app.a -- of a page\n WHERE t = 'secret'"] * 3,
        *["UPDATE app.a SET t = 'x' WHERE id = 1"] * 2,
        "WITH gone AS (DELETE FROM app.a RETURNING *) SELECT count(*) FROM gone;",
        "(SELECT 1) UNION (SELECT 2)",
        "SET application_name = 'x'",
        "SELECT f()",
        "VACUUM app.a",
    )
    workload = production_queries(*place_of(observed), 4)
    assert workload.queries[:2] == (
        "SELECT id FROM app.a WHERE t = $1",
        "UPDATE app.a SET t = $1 WHERE id = $2",
    )
    queries = production_queries(*place_of(observed), 100).queries
    assert "WITH gone AS (DELETE FROM app.a RETURNING *) SELECT count(*) FROM gone" in queries
    assert "(SELECT $1) UNION (SELECT $2)" in queries
    assert len(workload.queries) == 4
    assert not [query for query in queries if "trace" in query or "SET app" in query]
    if int(psycopg_version(observed)) >= 140000:  # from then on it is known which are of clients
        assert not [query for query in queries if "count(*) FROM app.a WHERE" in query]
    assert [query.text for query in parse_workload(format_workload(queries), "q")] == sorted(
        queries
    )


def psycopg_version(cluster):
    with psycopg.connect(cluster.database.conninfo) as conn:
        return conn.info.server_version


def test_statements_of_other_databases_are_left_out(observed):
    execute(observed, "CREATE DATABASE other")
    with psycopg.connect(observed.database.conninfo, dbname="other", autocommit=True) as conn:
        conn.execute("SELECT 1 AS elsewhere")
    assert not [q for q in production_queries(*place_of(observed), 500).queries if "else" in q]


def test_extension_in_another_schema_is_found(observed):
    execute(
        observed,
        'CREATE SCHEMA "of Ops"; ALTER EXTENSION pg_stat_statements SET SCHEMA "of Ops"',
        "SELECT 1 AS one",
    )
    assert "SELECT $1 AS one" in production_queries(*place_of(observed), 500).queries


def test_role_without_right_has_reason(observed):
    execute(observed, "CREATE ROLE plain LOGIN", "SELECT 1")
    workload = production_queries(*place_of(observed, "plain"), 500)
    assert workload.queries == ()
    assert workload.unreadable == "the role may not read the statements of other roles"
    execute(observed, "REVOKE ALL ON pg_stat_statements FROM PUBLIC")
    assert "permission denied" in production_queries(*place_of(observed, "plain"), 5).unreadable


def test_extension_that_server_has_not_loaded_has_reason(database):
    target, ledger, stop = parse_target(database.conninfo), LedgerTable(), StopToken()
    missing = production_queries(target, ledger, stop, 5).unreadable
    assert missing == "the extension pg_stat_statements is not in this database"
    database.extend("pg_stat_statements")
    if "pg_stat_statements" in database.value("SHOW shared_preload_libraries"):
        pytest.skip("this server has loaded the library")
    assert "shared_preload_libraries" in production_queries(target, ledger, stop, 5).unreadable


def test_standby_is_counted_and_can_be_read(cluster):
    execute(cluster, "CREATE TABLE a AS SELECT i FROM generate_series(1, 500) AS i", "ANALYZE a")
    with place() as folder:
        standby = Cluster(cluster.programs, folder / "standby", cluster.settings)
        try:
            standby.fill_from(cluster).start()
            for _ in range(100):
                sizes = production_sizes(*place_of(cluster))
                if sizes.standbys:
                    break
                time.sleep(0.1)
            assert sizes.standbys == 1
            copied = production_sizes(*place_of(standby))
            assert copied.get("public.a").rows == 500
            assert copied.standbys == 0
        except Skip as reason:
            pytest.skip(str(reason))
        finally:
            standby.remove()
