import time

import psycopg
import pytest
from psycopg import sql

from pgbraid.hazards.sizes_file import format_sizes, parse_sizes
from pgbraid.migrate.production import production_sizes
from pgbraid.model.errors import ServerError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.statistics.production_sizes import read_sizes


def sizes_of(conninfo, role=None):
    return production_sizes(parse_target(conninfo, role=role), LedgerTable(), StopToken())


def analyzed(database, *statements):
    database.run(";".join(statements))
    database.run("ANALYZE")


def test_sizes_are_those_that_server_estimated(database):
    analyzed(
        database,
        "CREATE TABLE a (id int PRIMARY KEY, text text)",
        "INSERT INTO a SELECT i, repeat('x', 100) FROM generate_series(1, 3000) AS i",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM a",
        "CREATE TABLE wide (text text)",
        "ALTER TABLE wide ALTER text SET STORAGE EXTERNAL",
        "INSERT INTO wide SELECT repeat('x', 20000) FROM generate_series(1, 20)",
    )
    database.run("VACUUM wide")
    sizes = sizes_of(database.conninfo)
    table = sizes.get("public.a")
    assert (table.rows, sizes.get("public.m").rows) == (3000, 3000)
    assert table.bytes == database.value("SELECT pg_relation_size('a')")
    assert table.index_bytes == database.value("SELECT pg_indexes_size('a')")
    wide = sizes.get("public.wide")
    assert wide.toast_bytes == database.value(
        "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'wide'"
    )
    assert set(sizes.tables) == {"public.a", "public.m", "public.wide"}
    assert sizes.server_version == database.value("SHOW server_version").split()[0]


def test_partitions_are_summed_and_children_too(database):
    analyzed(
        database,
        "CREATE TABLE p (i int) PARTITION BY RANGE (i)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (i)",
        "CREATE TABLE p1a PARTITION OF p1 FOR VALUES FROM (0) TO (1000)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (1000) TO (9000)",
        "INSERT INTO p SELECT i FROM generate_series(1, 4000) AS i",
        "CREATE TABLE parent (i int)",
        "CREATE TABLE child () INHERITS (parent)",
        "INSERT INTO child SELECT i FROM generate_series(1, 50) AS i",
    )
    sizes = sizes_of(database.conninfo)
    rows = {name.removeprefix("public."): size.rows for name, size in sizes.tables.items()}
    assert rows == {"p": 4000, "p1": 999, "p1a": 999, "p2": 3001, "parent": 50, "child": 50}
    assert sizes.get("public.p1a").part_of == "public.p1"
    assert sizes.get("public.child").part_of == "public.parent"


def test_table_without_statistics_is_unknown(database):
    database.run("CREATE TABLE a (i int)")
    assert sizes_of(database.conninfo).get("public.a").rows is None
    database.run("ANALYZE a")
    for _ in range(100):
        if (rows := sizes_of(database.conninfo).get("public.a").rows) is not None:
            break
        time.sleep(0.1)  # before 14, only the statistics show an ANALYZE, and they come later
    assert rows == 0


def test_temporary_tables_foreign_tables_and_views_are_left_out(database):
    database.run("CREATE VIEW v AS SELECT 1; CREATE SEQUENCE s; CREATE UNLOGGED TABLE u (i int)")
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("CREATE TEMPORARY TABLE t (i int)")
        assert set(sizes_of(database.conninfo).tables) == {"public.u"}


@pytest.mark.parametrize(
    "name",
    ["O'Hara; --", 'say "x"', "back\\slash", "two\nlines", "Ünïcödé", "a.b", "\u202etxt", "%s"],
)
def test_any_name_survives_file(database, name):
    database.run(sql.SQL("CREATE TABLE {} (i int)").format(sql.Identifier(name)))
    sizes = sizes_of(database.conninfo)
    assert set(sizes.tables) == {f"public.{name}"}
    assert parse_sizes(format_sizes(sizes), sizes.label) == sizes


def test_traffic_counts_since_statistics_were_reset(database):
    database.run("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2), (3)")
    database.run("SELECT pg_stat_reset()")
    database.run("SELECT * FROM a; UPDATE a SET id = id + 10")
    with connect(parse_target(database.conninfo), LedgerTable(), StopToken()) as session:
        for _ in range(100):
            sizes = read_sizes(session, youngest=0.0)
            if sizes.get("public.a").writes_per_s:
                break
            time.sleep(0.1)  # a session reports its statistics after a moment
        young = read_sizes(session)
    table = sizes.get("public.a")
    seconds = 3 / table.writes_per_s
    assert round(table.reads_per_s * seconds) == 2
    assert 0 <= (sizes.taken_at - sizes.stats_since).total_seconds() < 600
    assert young.get("public.a").reads_per_s is young.get("public.a").writes_per_s is None


def test_time_zone_is_that_of_fresh_session(database):
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET TimeZone = 'America/New_York'")
    assert sizes_of(database.conninfo).timezone == "America/New_York"


def test_published_tables_are_listed_with_their_partitions(database):
    database.run(
        "CREATE TABLE a (i int); CREATE TABLE b (i int); CREATE UNLOGGED TABLE u (i int);"
        "CREATE TABLE p (i int) PARTITION BY RANGE (i);"
        "CREATE TABLE p1 PARTITION OF p DEFAULT"
    )
    assert sizes_of(database.conninfo).published == frozenset()
    database.run("CREATE PUBLICATION one FOR TABLE a, p")
    assert sizes_of(database.conninfo).published == {"public.a", "public.p", "public.p1"}
    database.run("CREATE PUBLICATION every FOR ALL TABLES")
    names = {"public.a", "public.b", "public.p", "public.p1"}
    assert sizes_of(database.conninfo).published == names


def test_tables_of_published_schema_are_listed(database):
    if int(database.value("SHOW server_version_num")) < 150000:
        pytest.skip("schemas are published from 15 on")
    database.run(
        "CREATE SCHEMA s; CREATE TABLE s.a (i int); CREATE TABLE b (i int);"
        "CREATE PUBLICATION one FOR TABLES IN SCHEMA s"
    )
    assert sizes_of(database.conninfo).published == {"s.a"}


def test_lock_on_every_table_is_not_waited_for(database):
    """The other session never ends its transaction: a query that waited would fail after 0.1 s."""
    database.run(
        "CREATE TABLE a (id int PRIMARY KEY, t text); CREATE MATERIALIZED VIEW m AS SELECT 1 AS i;"
        "CREATE TABLE p (i int) PARTITION BY RANGE (i); CREATE TABLE p1 PARTITION OF p DEFAULT;"
        "CREATE PUBLICATION every FOR ALL TABLES; CREATE PUBLICATION one FOR TABLE a, p"
    )
    with psycopg.connect(database.conninfo) as other:
        other.execute("LOCK TABLE a, p, p1 IN ACCESS EXCLUSIVE MODE")
        other.execute("REFRESH MATERIALIZED VIEW m")
        other.execute("REINDEX TABLE a")
        sizes = sizes_of(database.conninfo)
        assert set(sizes.tables) == {f"public.{name}" for name in ("a", "m", "p", "p1")}
        assert sizes.published == {"public.a", "public.p", "public.p1"}


def test_lock_on_catalog_is_not_waited_for(database):
    with psycopg.connect(database.conninfo) as other:
        other.execute("LOCK TABLE pg_catalog.pg_inherits IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ServerError, match="lock timeout"):
            sizes_of(database.conninfo)


def test_role_that_may_only_connect_reads_all_tables(database, role):
    analyzed(
        database,
        "CREATE SCHEMA hidden; CREATE TABLE hidden.a (i int)",
        "INSERT INTO hidden.a VALUES (1), (2)",
    )
    name = database.value("SELECT current_database()")
    database.run(
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {role}"
    )
    database.run(f"GRANT pg_read_all_stats TO {role}")
    assert sizes_of(database.as_role(role)).get("hidden.a").rows == 2


def test_role_of_settings_is_not_set(database, role):
    """A login role for statistics need not be a member of the role that owns the objects."""
    database.run("CREATE TABLE a (i int)")
    sizes = sizes_of(database.as_role(role), role="pgbraid_no_such_role")
    assert set(sizes.tables) == {"public.a"}


def test_objects_of_other_schemas_are_not_used(database):
    """Even where search_path has a schema before pg_catalog."""
    database.run(
        """
        CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '1' $$;
        CREATE FUNCTION same(name, name) RETURNS bool LANGUAGE plpgsql
            AS $$ BEGIN RAISE EXCEPTION 'called'; END $$;
        CREATE OPERATOR = (LEFTARG = name, RIGHTARG = name, PROCEDURE = same);
        CREATE TABLE public.pg_class (i int)
        """
    )
    name = database.value("SELECT pg_catalog.current_database()")
    version = database.value("SHOW server_version").split()[0]
    database.run(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    sizes = sizes_of(database.conninfo)
    assert sizes.server_version == version
    assert set(sizes.tables) == {"public.pg_class"}


def test_setting_of_lock_timeout_does_not_outlive_message(pooled):
    """Through a pooler in transaction mode, the session then serves another client."""
    with psycopg.connect(pooled, autocommit=True) as other:
        before = other.execute("SHOW lock_timeout").fetchone()
        for _ in range(6):
            assert sizes_of(pooled).standbys == 0
        assert other.execute("SHOW lock_timeout").fetchone() == before
        assert other.execute("SHOW search_path").fetchone() == ('"$user", public',)
