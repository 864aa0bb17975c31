"""`up --create` and `create_database` create the database that is missing, and no other."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgbraid
from pgbraid.model.errors import ConfigError, ConnectionFailed
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.missing_database import exists_or_is_created
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir
from tests.fixtures.databases import Database
from tests.fixtures.relays import relay


@pytest.fixture
def missing(server, request):
    """A database that does not exist yet, under a name that must be quoted."""
    name = f'Test "{uuid.uuid4().hex[:12]}" ä%s'
    yield Database(make_conninfo(server, dbname=name))
    with psycopg.connect(server, autocommit=True) as conn:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        conn.execute(drop.format(sql.Identifier(name)))


def name_of(database):
    return conninfo_to_dict(database.conninfo)["dbname"]


def exists(server, database):
    with psycopg.connect(server) as conn:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return conn.execute(query, (name_of(database),)).fetchone() is not None


def up(program, database, *words, **options):
    return program("up", "--database", database.conninfo, *words, **options)


def test_up_creates_missing_database(program, folder, missing):
    folder.write(_1_a="CREATE TABLE a ()")
    answer = up(program, missing, "--create", code=0)
    assert answer.err.startswith(f"NOTE:  created the database {name_of(missing)}")
    assert missing.versions() == [1]
    assert "created" not in up(program, missing, "--create", code=0).err


def test_up_without_option_creates_nothing(program, folder, missing, server):
    folder.write(_1_a="SELECT 1")
    up(program, missing, code=4)
    assert not exists(server, missing)


def test_dry_run_creates_nothing(program, folder, missing, server):
    folder.write(_1_a="SELECT 1")
    answer = up(program, missing, "--create", "--dry-run", code=2)
    assert "--dry-run must leave nothing behind" in answer.err
    assert not exists(server, missing)


def test_processes_at_once_create_one_database(program, folder, missing):
    folder.write(_1_a="CREATE TABLE a ()")
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(up, program, missing, "--create", code=0) for _ in range(4)]
        created = ["created the database" in call.result().err for call in calls]
    assert created.count(True) == 1
    assert missing.versions() == [1]


def test_role_without_right_gets_hint(program, folder, missing, server, role):
    folder.write(_1_a="SELECT 1")
    answer = up(program, replace(missing, conninfo=missing.as_role(role)), "--create", code=4)
    assert f"ERROR:  the database {name_of(missing)} does not exist, and cannot be cr" in answer.err
    assert "permission denied to create database" in answer.err
    assert "Let a role with the attribute CREATEDB create it" in answer.err
    assert not exists(server, missing)


def test_new_database_belongs_to_role_of_run(database, role, missing):
    database.run(f"ALTER ROLE {role} CREATEDB")
    assert pgbraid.create_database(missing.conninfo, role=role)
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert missing.value(owner) == role
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"}, role=role)
    migrator.up(missing.conninfo)


def test_refused_connection_creates_nothing(database, server, role):
    name = name_of(database)
    database.run(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    with psycopg.connect(server, autocommit=True) as conn:
        count = "SELECT count(*) FROM pg_database"
        before = conn.execute(count).fetchone()
        with pytest.raises(ConnectionFailed, match="permission denied for database"):
            pgbraid.create_database(database.as_role(role))
        with pytest.raises(ConnectionFailed, match="no_such_role"):
            pgbraid.create_database(database.as_role("no_such_role"))
        assert conn.execute(count).fetchone() == before


def test_call_returns_whether_it_created_database(missing):
    assert pgbraid.create_database(missing.conninfo) is True
    assert pgbraid.create_database(missing.conninfo) is False


@pytest.mark.parametrize("wrong", [None, 5, "mysql://h/d"])
def test_wrong_argument_is_refused(wrong):
    with pytest.raises(ConfigError):
        pgbraid.create_database(wrong)


def test_no_other_database_is_tried_on_absent_server(monkeypatch, port):
    monkeypatch.setattr("pgbraid.postgres.client.missing_database.open_connection", None)
    with pytest.raises(ConnectionFailed):
        pgbraid.create_database(f"postgresql://u@127.0.0.1:{port}/d")


def test_database_created_meanwhile_counts_as_existing(server, missing):
    target = parse_target(missing.conninfo)
    assert exists_or_is_created(target, name_of(missing), StopToken()) is True
    assert exists_or_is_created(target, name_of(missing), StopToken()) is False


def test_second_database_to_connect_to_is_template1(programs):
    with embedded_server(programs=programs, cache=cache_dir()) as started:
        with psycopg.connect(started.conninfo, autocommit=True) as conn:
            conn.execute("CREATE ROLE deploy LOGIN CREATEDB")
            conn.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
        app = make_conninfo(started.conninfo, user="deploy", dbname="app")
        assert pgbraid.create_database(app)
        with psycopg.connect(started.conninfo, autocommit=True) as conn:
            conn.execute("REVOKE CONNECT ON DATABASE template1 FROM PUBLIC")
        with pytest.raises(ConnectionFailed, match="other"):
            pgbraid.create_database(make_conninfo(app, dbname="other"))


@pytest.mark.parametrize("starting", [False, True])
def test_up_waits_for_server_and_then_creates_database(program, folder, missing, port, starting):
    folder.write(_1_a="CREATE TABLE a ()")
    with relay(port, missing, 1.5, starting=starting) as url:
        answer = program("up", "--create", "--wait", "60s", "--database", url, code=0)
    assert "waiting for the server: cannot connect to" in answer.err
    assert "created the database" in answer.err
    assert missing.versions() == [1]
