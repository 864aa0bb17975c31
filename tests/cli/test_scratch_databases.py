"""Scratch databases of a proof: roles, settings, extensions, and no database left behind."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psycopg
import pytest

from tests.fixtures.proofs import GAP, HARMLESS, left_behind


def test_killed_proof_leaves_nothing_behind_next_one(out_of_order, cli, scratch_env, database):
    database.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$"
    )
    seen = 0
    for after in (0.25, 0.4, 0.5, 0.6):
        process = subprocess.Popen(
            [sys.executable, "-m", "pgbraid", "prove"],
            cwd=cli.cwd,
            env={**cli.env, **scratch_env},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen += bool(left_behind(database))
    cli("prove", env=scratch_env, code=1)
    assert left_behind(database) == []
    assert database.versions() == [101, 104]


def test_only_databases_with_our_mark_are_dropped(out_of_order, cli, scratch_env, server, database):
    name = "pgbraid_scratch_12345_0"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
        try:
            cli("prove", env=scratch_env, code=1)
            assert left_behind(database) == [(name,)]
            conn.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 1953")
            cli("prove", env=scratch_env, code=1)
            assert left_behind(database) == []
        finally:
            conn.execute(f"DROP DATABASE IF EXISTS {name}")


def test_stopped_proof_clears_up(out_of_order, cli, scratch_env, database):
    out_of_order.write(_103_add=f"SELECT pg_sleep(5);\n{GAP}")
    process = replace(cli, env={**cli.env, **scratch_env}).start("prove")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert left_behind(database) == []


def test_scratch_server_without_right_to_create_databases_fails(out_of_order, cli, database, role):
    url = {"PGBRAID_SCRATCH_URL": database.as_role(role)}
    assert "may not create databases" in cli("prove", env=url, code=2).err


def test_scratch_role_that_may_create_databases_is_enough(
    out_of_order, cli, server, scratch_env, database, role
):
    database.run(f"ALTER ROLE {role} CREATEDB")
    env = {"PGBRAID_SCRATCH_URL": f"{server} user={role}"}
    assert "104_view and 103_add do not commute" in cli("prove", env=env, code=1).out
    out_of_order.write(_103_add=HARMLESS)
    answer = cli("prove", env=env, code=0).out
    # Before PostgreSQL 14, such a role may not read the subscriptions, either.
    assert re.match(r"same, except [12] objects? that could not be compared: ", answer)
    assert f"the rights of role postgres: {role} replayed, which is no superuser" in answer
    cli("up", code=0)
    database.as_made()
    assert "clean" in cli("drift", env=env, code=0).out


def test_databases_own_settings_count(folder, cli, scratch_env, database):
    database.run(
        "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app',"
        " current_database()); END $$"
    )
    folder.write(_101_schema="CREATE SCHEMA IF NOT EXISTS app;", _102_table="CREATE TABLE t ();")
    cli("up", code=0)
    database.as_made()
    answer = cli("drift", env=scratch_env, code=1)
    assert "app.t" not in answer.out
    assert "1 difference" in answer.out
    assert "database  (only database)" in answer.out


def test_missing_extensions_are_created(folder, cli, database, programs):
    database.extend("citext")
    folder.write(_101_table="CREATE TABLE t (a citext);")
    cli("up", code=0)
    database.as_made()
    answer = cli("drift", env={"PGBRAID_PG_BIN": programs})
    if answer.code == 2:
        pytest.skip("the programs are of another major version")
    assert "extension citext" in answer.out
    assert answer.code == 0


def test_server_of_others_keeps_its_roles(out_of_order, cli, scratch_env, server, role):
    out_of_order.write(_103_add=f"DROP ROLE IF EXISTS {role};")
    answer = cli("prove", env=scratch_env, code=2)
    assert "103_add changes what the databases of" in answer.err
    assert f"It changes: role {role}" in answer.err or f"comment ROLE {role}" in answer.err
    with psycopg.connect(server) as conn:
        assert conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount == 1


def test_subscription_keeps_no_scratch_database(out_of_order, cli, scratch_env, database):
    subscribed = (
        "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false);"
    )
    out_of_order.write(_103_add=subscribed)
    assert cli("prove", env=scratch_env, code=0).out.startswith("same: ")
    assert left_behind(database) == []
