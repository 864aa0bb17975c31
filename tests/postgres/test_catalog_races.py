"""Databases of one cluster share roles: a migration that lost a race is retried."""

import threading
import time
import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.events import Retrying

PATIENT = Limits(lock_timeout=20)
CREATE = (
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
    " CREATE ROLE {role}; END IF; END $$"
)


@pytest.fixture
def shared(database):
    """The name of a role that the cluster lacks; the role is dropped at the end."""
    name = f"pgbraid_shared_{uuid.uuid4().hex[:12]}"
    yield name
    database.run(f"DROP ROLE IF EXISTS {name}")


def raced(database, statement, text, **settings):
    """Run a migration while another session commits ``statement``; return the retries."""
    emitted = []
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute(f"BEGIN; {statement}")
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"

        def commit():
            for _ in range(400):
                if database.value(waiting):
                    break
                time.sleep(0.02)
            other.execute("COMMIT")

        thread = threading.Thread(target=commit)
        thread.start()
        migrator = pgbraid.load({"1_a.sql": text}, **{"limits": PATIENT, **settings})
        try:
            migrator.up(database.conninfo, on_event=emitted.append)
        finally:
            thread.join()
    return [event.diagnostic for event in emitted if isinstance(event, Retrying)]


@pytest.mark.parametrize("head", ["", "-- pgbraid: no-transaction\n"])
def test_row_of_catalog_that_was_updated_meanwhile(database, shared, head):
    database.run(f"CREATE ROLE {shared}")
    alter = f"ALTER ROLE {shared} CONNECTION LIMIT "
    (expected,) = raced(database, f"{alter} 7", f"{head}{alter} 8")
    assert (expected.sqlstate, expected.message) == ("XX000", "tuple concurrently updated")
    assert database.versions() == [1]
    assert database.value("SELECT rolconnlimit FROM pg_roles WHERE rolname = %s", shared) == 8


def test_row_of_catalog_that_was_deleted_meanwhile(database, shared):
    database.run(f"CREATE ROLE {shared}; ALTER ROLE {shared} SET work_mem = '1MB'")
    reset = f"ALTER ROLE {shared} RESET work_mem"
    (expected,) = raced(database, reset, f"ALTER ROLE {shared} SET work_mem = '2MB'")
    assert expected.message.startswith("tuple concurrently ")
    assert database.versions() == [1]


@pytest.mark.parametrize("head", ["", "-- pgbraid: no-transaction\n"])
def test_role_that_was_created_meanwhile(database, shared, head):
    create = CREATE.format(role=shared)
    (expected,) = raced(database, create, head + create)
    assert expected.sqlstate == "23505"
    assert database.versions() == [1]


def test_schema_that_was_created_meanwhile(database):
    create = "CREATE SCHEMA IF NOT EXISTS app"
    (expected,) = raced(database, create, create)
    assert expected.sqlstate == "23505"
    assert database.versions() == [1]


def test_value_of_users_own_that_is_there_already_is_error_at_once(database):
    database.run("CREATE TABLE t (n int PRIMARY KEY)")
    with pytest.raises(MigrationFailed) as caught:
        raced(database, "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)")
    assert caught.value.sqlstate == "23505"
    assert "Tried" not in (caught.value.detail or "")


def test_value_of_catalog_that_stays_there_is_error_after_few_tries(database, shared):
    """A migration writes to the catalog; that is no race, and must not retry for ten minutes."""
    database.run(f"CREATE ROLE {shared}")
    text = (
        "INSERT INTO pg_authid SELECT (r).* FROM (SELECT p #= hstore('oid', '4294967000') r"
        f" FROM pg_authid p WHERE rolname = '{shared}') x"
    )
    database.extend("hstore")
    emitted = []
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo, on_event=emitted.append)
    assert caught.value.sqlstate == "23505"
    assert len([event for event in emitted if isinstance(event, Retrying)]) == 5
    assert "Tried 6 times" in caught.value.detail


def test_statement_outside_transaction_is_not_tried_again(database):
    """Part of its work may be committed."""
    database.run("CREATE TABLE t (n int)")
    database.run(
        "CREATE FUNCTION f(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE"
        " 'tuple concurrently updated' USING ERRCODE = 'XX000'; END $$"
    )
    emitted = []
    database.run("INSERT INTO t VALUES (1)")
    text = "-- pgbraid: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (f(n))"
    with pytest.raises(MigrationFailed, match="tuple concurrently updated"):
        pgbraid.load({"1_a.sql": text}).up(database.conninfo, on_event=emitted.append)
    assert [event for event in emitted if isinstance(event, Retrying)] == []


def test_databases_of_one_cluster_may_alter_one_role_at_once(server, database, shared):
    """As tenants or parallel tests do, each in its own database."""
    database.run(f"CREATE ROLE {shared}")
    names = [f"{shared}_{n}" for n in range(4)]
    files = {
        f"{n:03d}_g.sql": f"ALTER ROLE {shared} SET statement_timeout = '{n}s'; SELECT pg_sleep(0)"
        for n in range(1, 13)
    }
    errors = []

    def boot(name):
        try:
            migrator = pgbraid.load(files, limits=PATIENT)
            assert len(migrator.up(make_conninfo(server, dbname=name)).applied) == len(files)
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    with psycopg.connect(server, autocommit=True) as conn:
        for name in names:
            conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        threads = [threading.Thread(target=boot, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name in names:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    assert errors == []
