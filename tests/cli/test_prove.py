"""prove, drift, snapshot and the gap policies, as a user calls them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psycopg
import pytest

TABLE = "CREATE TABLE t (a int, b text);\nINSERT INTO t VALUES (1, 'x');"
VIEW = "CREATE VIEW v AS SELECT * FROM t;"
LATE = "ALTER TABLE t ADD COLUMN c int;"
HARMLESS = "CREATE TABLE other (id int);"


@pytest.fixture
def scratch(server):
    """The environment in which orders are replayed on the tests' own server."""
    return {"PGBRAID_SCRATCH_URL": server}


@pytest.fixture
def late(folder, cli):
    """A database that has 101 and 104, and a folder in which 103 was merged since."""
    folder.write(_101_table=TABLE, _104_view=VIEW)
    cli("up", code=0)
    folder.write(_103_add=LATE)
    return folder


def git(path, *words):
    who = ("-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=path, check=True, capture_output=True)


@pytest.fixture
def branch(folder, tmp_path):
    """A repository whose main has 101 and 104, and a folder in which 103 is new."""
    folder.write(_101_table=TABLE, _104_view=VIEW)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    return folder


def left_behind(database):
    return database.rows("SELECT datname FROM pg_database WHERE datname LIKE 'pgbraid_scratch%'")


def test_of_a_database(late, cli, scratch, database):
    answer = cli("prove", env=scratch, code=1)
    assert answer.out.startswith("different: ")
    said = (
        "104_view and 103_add do not commute: run out of order, 103_add leaves no column public.v.c"
    )
    assert said in answer.out
    assert "Smallest example: these two after 101_table." in answer.out
    assert "out of order: 103_add; 1 pair in another order" in answer.err
    assert database.versions() == [101, 104]
    assert left_behind(database) == []


def test_of_a_database_as_json(late, cli, scratch):
    document = cli("prove", "--json", env=scratch, code=1).json
    assert document["verdict"] == "different"
    assert [m["version"] for m in document["out_of_order"]] == [103]
    pair = document["pair"]
    assert (pair["first"]["version"], pair["second"]["version"]) == (104, 103)
    assert [m["version"] for m in pair["context"]] == [101]
    assert pair["minimal"] is True
    assert {d["object"] for d in document["differences"]} == {
        "column public.v.c",
        'rule "_RETURN" on public.v',
    }


def test_nothing_out_of_order_needs_no_server(folder, cli, database):
    folder.write(_101_table=TABLE, _104_view=VIEW)
    cli("up", code=0)
    nowhere = {"PGBRAID_SCRATCH_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert "same: none of 2 migrations" in cli("prove", env=nowhere, code=0).out


def test_the_same_in_both_orders(late, cli, scratch):
    late.write(_103_add=HARMLESS)
    assert cli("prove", env=scratch, code=0).out.startswith("same: ")


def test_of_a_branch(branch, program, scratch):
    branch.write(_103_add=LATE)
    answer = program("prove", "--base", "main", env=scratch, code=1)
    assert "104_view and 103_add do not commute" in answer.out
    branch.write(_103_add=HARMLESS)
    assert program("prove", "--base", "main", env=scratch, code=0).out.startswith("same: ")


def test_of_a_branch_whose_base_is_not_there(branch, program, scratch):
    answer = program("prove", "--base", "origin/none", env=scratch, code=2)
    assert "commit 'origin/none' does not exist" in answer.err
    assert "fetch-depth: 0" in answer.err
    assert program("prove", "--base", "--upload-pack=x", env=scratch, code=2)


def test_of_a_branch_that_changed_what_was_merged(branch, program, scratch):
    branch.write(_104_view="CREATE VIEW w AS SELECT 1;", _103_add=HARMLESS)
    answer = program("prove", "--base", "main", env=scratch, code=0)
    assert "NOTE:  104_view was changed since main" in answer.out


@pytest.mark.parametrize(
    "history",
    [
        [101, 104, 103],
        {"applied": ["101", "104_view", {"version": 103}]},
        {
            "migrations": [
                {"version": 101, "applied_at": "2026-01-01"},
                {"version": 103, "applied_at": "2026-01-03"},
                {"version": 104, "applied_at": "2026-01-02"},
            ]
        },
    ],
)
def test_of_a_list(late, program, scratch, tmp_path, history):
    (tmp_path / "history.json").write_text(json.dumps(history))
    answer = program("prove", "--history", "history.json", "--json", env=scratch, code=1).json
    assert answer["recorded_order"] == [101, 104, 103]
    assert answer["verdict"] == "different"


def test_of_what_status_says(late, cli, scratch, tmp_path):
    (tmp_path / "history.json").write_text(cli("status", "--json").out)
    answer = cli("prove", "--history", "history.json", "--json", env=scratch, code=1).json
    assert answer["recorded_order"] == [101, 104, 103]


@pytest.mark.parametrize("text", ["", "[1, 1]", '{"x": []}', '["a"]', "[999]", "[true]"])
def test_of_a_list_that_is_none(late, program, scratch, tmp_path, text):
    (tmp_path / "history.json").write_text(text)
    answer = program("prove", "--history", "history.json", env=scratch, code=2)
    assert "history" in answer.err


def test_a_failing_order_names_the_migration_and_the_error(folder, cli, scratch):
    folder.write(_101_table=TABLE, _104_drop="ALTER TABLE t DROP COLUMN b;")
    cli("up", code=0)
    folder.write(_103_index="CREATE INDEX b_idx ON t (b);")
    answer = cli("prove", env=scratch, code=1)
    assert answer.out.startswith("fails: ")
    assert "as recorded, 103_index fails:\n" in answer.out
    assert '103_index.sql:1:1: ERROR:  column "b" does not exist' in answer.out
    assert "do not commute: 103_index fails after 104_drop: column" in answer.out


def test_what_is_accepted_is_no_failure(folder, cli, scratch, tmp_path):
    folder.write(_101_table=TABLE, _104_add="ALTER TABLE t ADD COLUMN d int;")
    cli("up", code=0)
    folder.write(_103_add=LATE)
    assert cli("prove", env=scratch, code=1).out.startswith("column order only: ")
    answer = cli("prove", "--accept", "column-order", env=scratch, code=0)
    assert "Accepted: column order only, by --accept or the settings." in answer.out
    (tmp_path / "pgbraid.toml").write_text('accept = ["column-order"]\n')
    cli("prove", env=scratch, code=0)
    cli("up", "--gaps", "prove", env=scratch, code=0)


def test_gaps_may_be_refused(late, cli, database):
    answer = cli("up", "--gaps", "refuse", code=1)
    assert "103_add is out of order: 104 is already applied, and --gaps is refuse" in answer.err
    assert cli("plan", code=0)
    assert database.versions() == [101, 104]


def test_gaps_may_have_to_be_proven(late, cli, database, scratch, tmp_path):
    (tmp_path / "pgbraid.toml").write_text('gaps = "prove"\n')
    answer = cli("up", env=scratch, code=1)
    assert "late 103_add does not end as if it had come in time; nothing was run" in answer.err
    assert "104_view and 103_add do not commute" in answer.err
    assert database.versions() == [101, 104]
    late.write(_103_add=HARMLESS)
    cli("up", env=scratch, code=0)
    assert database.versions() == [101, 103, 104]
    ((event, version, detail),) = database.rows(
        "SELECT event, version, detail FROM applied_migrations_journal WHERE event = 'proven'"
    )
    assert (event, version, detail["verdict"]) == ("proven", 103, "same")
    assert detail["order"] == [101, 104, 103]


def test_a_directive_allows_a_difference_for_a_reason(late, cli, database, scratch):
    late.write(_103_add=f"-- pgbraid: allow-difference=105 makes the view anew\n{LATE}")
    assert cli("check", "--offline", code=0)
    cli("up", "--gaps", "prove", env=scratch, code=0)
    (allowed,) = database.rows(
        "SELECT detail->>'allowed' FROM applied_migrations_journal WHERE event = 'proven'"
    )
    assert allowed == ("103_add allows it: 105 makes the view anew",)


def test_a_directive_allows_nothing_but_its_own_difference(late, cli, scratch):
    late.write(_103_add=f"-- pgbraid: allow-difference=the view is known\n{LATE}")
    assert "Accepted: 103_add allows it" in cli("prove", env=scratch, code=0).out
    late.write(_102_other="CREATE VIEW v AS SELECT 1 AS one;")
    late.write(_105_again="CREATE VIEW w AS SELECT * FROM t;")
    assert cli("prove", env=scratch, code=1).out.startswith("fails: ")
    late.write(_102_other="COMMENT ON TABLE t IS '102';", _101_table=TABLE)
    late.remove("105_again.sql")
    cli("prove", env=scratch, code=0)
    late.write(_104_view=f"{VIEW} COMMENT ON TABLE t IS '104';")
    answer = cli("prove", env=scratch, code=1)
    assert "104_view and 102_other do not commute" in answer.out
    assert "Accepted" not in answer.out


def test_only_what_is_pending_has_to_be_proven(late, cli, scratch):
    cli("up", "--gaps", "apply", code=0)
    cli("prove", env=scratch, code=1)
    late.write(_102_more=HARMLESS)
    answer = cli("up", "--gaps", "prove", "--dry-run", env=scratch, code=0)
    assert "proven: both orders end the same" in answer.err
    cli("up", "--gaps", "prove", env=scratch, code=0)


def test_a_dry_run_proves_too(late, cli, scratch, database):
    assert (
        "104_view and 103_add" in cli("up", "--gaps", "prove", "--dry-run", env=scratch, code=1).err
    )
    assert database.versions() == [101, 104]


def test_what_the_base_has_got_since_is_replayed(branch, program, scratch, tmp_path):
    git(tmp_path, "checkout", "-qb", "late")
    branch.write(_103_add=LATE)
    branch.remove("104_view.sql")
    git(tmp_path, "stash", "-u")
    git(tmp_path, "checkout", "-q", "main")
    branch.write(_105_view="CREATE VIEW w AS SELECT * FROM t;")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "y")
    git(tmp_path, "checkout", "-q", "late")
    git(tmp_path, "stash", "pop")
    answer = program("prove", "--base", "main", env=scratch, code=1)
    assert "105_view came to main since: it is replayed, too" in answer.out
    assert "104_view is in main and was deleted here: it is not replayed" in answer.out
    assert "105_view and 103_add do not commute" in answer.out
    branch.write(_105_other=HARMLESS)
    answer = program("prove", "--base", "main", env=scratch, code=1)
    assert "version 105 is 105_view.sql in main and 105_other.sql here" in answer.err


def test_a_folder_that_the_base_lacks_is_said(branch, program, scratch, tmp_path):
    (tmp_path / "migrations").rename(tmp_path / "moved")
    answer = program("prove", "--base", "main", "--dir", "moved", env=scratch, code=0)
    assert "main has the migrations of this folder in migrations" in answer.out
    (tmp_path / "empty").mkdir()
    assert program("prove", "--base", "main", "--dir", "empty", env=scratch).code != 0
    both = program("prove", "--base", "main", "--database", "postgresql:///x", env=scratch, code=2)
    assert "name two different histories" in both.err


def test_a_directive_without_a_reason_is_a_mistake(late, cli):
    late.write(_103_add=f"-- pgbraid: allow-difference\n{LATE}")
    answer = cli("check", "--offline", code=1)
    assert "allow-difference needs a reason" in answer.err


CHANGES = {
    "column public.t.z": "ALTER TABLE t ADD COLUMN z int",
    "table public.t": "GRANT SELECT ON t TO PUBLIC",
    "function public.f()": "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "index public.t_a_idx": "CREATE INDEX ON t (a)",
}


@pytest.fixture
def deployed(folder, cli, database):
    function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
    folder.write(_101_table=TABLE, _104_view=VIEW, _105_function=function)
    cli("up", code=0)
    database.as_made()
    return folder


def test_an_untouched_database_has_not_drifted(deployed, cli, scratch):
    assert (
        "clean: the schema is the one that its 3 migrations built"
        in cli("drift", env=scratch, code=0).out
    )


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_by_hand_is_found_and_named(deployed, cli, scratch, database, name):
    database.run(CHANGES[name])
    document = cli("drift", "--json", env=scratch, code=1).json
    assert name in {difference["object"] for difference in document["differences"]}
    assert name in cli("drift", env=scratch, code=1).out


def test_drift_passes_over_what_it_is_told_to(deployed, cli, scratch, database, tmp_path):
    database.run(CHANGES["table public.t"])
    database.run(CHANGES["index public.t_a_idx"])
    assert cli("drift", "--ignore", "index *", env=scratch, code=1)
    (tmp_path / "pgbraid.toml").write_text('ignore = ["index *", "*: privileges"]\n')
    assert "2 ignored" in cli("drift", env=scratch, code=0).out


def test_drift_needs_no_superuser_and_writes_nothing(deployed, cli, scratch, database, role):
    database.run(f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role}")
    database.run(f"ALTER ROLE {role} SET default_transaction_read_only = on")
    as_role = {**scratch, "PGBRAID_DATABASE_URL": database.as_role(role)}
    assert "clean" in cli("drift", env=as_role, code=0).out
    database.run(CHANGES["column public.t.z"])
    assert "column public.t.z" in cli("drift", env=as_role, code=1).out


def test_drift_replays_the_text_that_ran(deployed, cli, scratch):
    deployed.remove("104_view.sql")
    assert "the text that ran is replayed" in cli("drift", env=scratch, code=0).out
    deployed.write(_105_function="CREATE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1';")
    assert "clean" in cli("drift", env=scratch, code=0).out


def test_drift_of_an_empty_database(folder, cli, scratch):
    folder.write(_101_table=TABLE)
    assert "has no history" in cli("drift", env=scratch, code=2).err


def test_a_snapshot_can_be_committed_and_compared(deployed, cli, scratch, database, tmp_path):
    cli("snapshot", "--output", "schema.txt", code=0)
    text = (tmp_path / "schema.txt").read_text()
    assert "[table public.t]\ncolumns = a, b\n" in text
    assert "applied_migrations" not in text
    assert (
        cli("snapshot", "--check", "schema.txt", code=0).out == "schema.txt matches the schema.\n"
    )
    assert cli("snapshot", "--files", "--check", "schema.txt", env=scratch, code=0)
    database.run(CHANGES["column public.t.z"])
    answer = cli("snapshot", "--check", "schema.txt", code=1)
    assert "+columns = a, b, z" in answer.out
    assert cli("snapshot", "--check", "none.txt", code=2)


def test_a_killed_proof_leaves_nothing_behind_the_next_one(late, cli, scratch, database):
    database.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on',"
        " current_database()); END $$"
    )
    seen = 0
    for after in (0.25, 0.4, 0.5, 0.6):
        process = subprocess.Popen(
            [sys.executable, "-m", "pgbraid", "prove"],
            cwd=cli.cwd,
            env={**cli.env, **scratch},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen += bool(left_behind(database))
    cli("prove", env=scratch, code=1)
    assert left_behind(database) == []
    assert database.versions() == [101, 104]


def test_only_databases_with_our_mark_are_dropped(late, cli, scratch, server, database):
    name = "pgbraid_scratch_12345_0"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
        try:
            cli("prove", env=scratch, code=1)
            assert left_behind(database) == [(name,)]
            conn.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 1953")
            cli("prove", env=scratch, code=1)
            assert left_behind(database) == []
        finally:
            conn.execute(f"DROP DATABASE IF EXISTS {name}")


def test_a_stopped_proof_clears_up(late, cli, scratch, database):
    late.write(_103_add=f"SELECT pg_sleep(5);\n{LATE}")
    process = replace(cli, env={**cli.env, **scratch}).start("prove")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert left_behind(database) == []


def test_a_scratch_server_that_lets_nobody_create_databases(late, cli, database, role):
    url = {"PGBRAID_SCRATCH_URL": database.as_role(role)}
    assert "may not create databases" in cli("prove", env=url, code=2).err


def test_the_embedded_server_makes_roles_that_are_taken_for_granted(branch, program, programs):
    branch.write(_101_table=f"{TABLE}\nGRANT SELECT ON t TO app_reader;", _103_add=HARMLESS)
    answer = program("prove", "--base", "main", env={"PGBRAID_PG_BIN": programs}, code=0)
    assert "role app_reader" in answer.out


def test_pytest_checks_and_proves(branch, tmp_path, scratch, clean_env):
    branch.write(_103_add=LATE)
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    env = {**clean_env, **scratch, "PATH": os.environ["PATH"]}

    def run(*more):
        return subprocess.run(
            [*words, *more], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    answer = run("--pgbraid-prove=main")
    assert "1 failed, 2 passed" in answer.stdout
    assert "104_view and 103_add do not commute" in answer.stdout
    branch.write(_103_add=HARMLESS)
    assert "3 passed" in run("--pgbraid-prove=main").stdout
    assert "1 passed" in run().stdout


def test_a_scratch_role_that_may_create_databases_is_enough(
    late, cli, server, scratch, database, role
):
    database.run(f"ALTER ROLE {role} CREATEDB")
    env = {"PGBRAID_SCRATCH_URL": f"{server} user={role}"}
    assert "104_view and 103_add do not commute" in cli("prove", env=env, code=1).out
    late.write(_103_add=HARMLESS)
    answer = cli("prove", env=env, code=0).out
    # Before PostgreSQL 14 such a role may not read which subscriptions there are, either.
    assert re.match(r"same, except [12] objects? that could not be compared: ", answer)
    assert f"the rights of role postgres: {role} replayed, which is no superuser" in answer
    cli("up", code=0)
    database.as_made()
    assert "clean" in cli("drift", env=env, code=0).out


def test_the_databases_own_settings_count(folder, cli, scratch, database):
    database.run(
        "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app',"
        " current_database()); END $$"
    )
    folder.write(_101_schema="CREATE SCHEMA IF NOT EXISTS app;", _102_table="CREATE TABLE t ();")
    cli("up", code=0)
    database.as_made()
    answer = cli("drift", env=scratch, code=1)
    assert "app.t" not in answer.out
    assert "1 difference" in answer.out
    assert "database  (only database)" in answer.out


def test_extensions_that_nobody_makes_are_made(folder, cli, database, programs):
    database.extend("citext")
    folder.write(_101_table="CREATE TABLE t (a citext);")
    cli("up", code=0)
    database.as_made()
    answer = cli("drift", env={"PGBRAID_PG_BIN": programs})
    if answer.code == 2:
        pytest.skip("the programs are of another major version")
    assert "extension citext" in answer.out
    assert answer.code == 0


def test_every_respect_must_be_accepted(folder, cli, scratch):
    both = "ALTER TABLE t ADD COLUMN {0} int; ALTER TYPE e ADD VALUE '{0}';"
    folder.write(_101_table=TABLE, _102_enum="CREATE TYPE e AS ENUM ('a');")
    folder.write(_104_y=both.format("y"))
    cli("up", code=0)
    folder.write(_103_x=both.format("x"))
    assert cli("prove", env=scratch, code=1).out.startswith("enum order: ")
    cli("prove", "--accept", "enum-order", env=scratch, code=1)
    cli("prove", "--accept", "enum-order", "--accept", "column-order", env=scratch, code=0)


def test_a_server_of_others_keeps_its_roles(late, cli, scratch, server, role):
    late.write(_103_add=f"DROP ROLE IF EXISTS {role};")
    answer = cli("prove", env=scratch, code=2)
    assert "103_add changes what the databases of" in answer.err
    assert f"It changes: role {role}" in answer.err or f"comment ROLE {role}" in answer.err
    with psycopg.connect(server) as conn:
        assert conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount == 1


SETS = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {}', current_database()); END $$"


def test_the_session_s_own_settings_count_under_the_lock(folder, cli, scratch, database):
    database.run(
        "CREATE SCHEMA app; CREATE TABLE app.t (a int); CREATE TABLE public.t (a int);"
        + SETS.format("search_path = app, public")
    )
    schema = (
        "CREATE SCHEMA IF NOT EXISTS app; CREATE TABLE IF NOT EXISTS app.t (a int);"
        "CREATE TABLE IF NOT EXISTS public.t (a int);"
    )
    folder.write(_101_schema=schema, _104_view="CREATE VIEW app.v AS SELECT * FROM app.t;")
    cli("up", code=0)
    folder.write(_103_add="ALTER TABLE t ADD COLUMN b int;")
    answer = cli("up", "--gaps", "prove", env=scratch, code=1)
    assert "104_view and 103_add do not commute" in answer.err


def test_a_snapshot_shows_what_was_revoked_and_no_secret(deployed, cli, database, tmp_path):
    cli("snapshot", "--output", "schema.txt", code=0)
    for change in (
        "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
        "REVOKE INSERT ON t FROM CURRENT_USER",
        "ALTER TABLE t REPLICA IDENTITY NOTHING",
        "COMMENT ON TABLE t IS '-'",
    ):
        database.run(change)
        cli("snapshot", "--check", "schema.txt", code=1)
        cli("snapshot", "--output", "schema.txt", code=0)
    database.run(SETS.format("app.secret = ''hidden7''"))
    assert "hidden7" not in cli("snapshot", code=0).out
    text = (tmp_path / "schema.txt").read_text()
    (tmp_path / "schema.txt").write_text(text.replace("PostgreSQL ", "PostgreSQL 9"))
    assert "was written on PostgreSQL 9" in cli("snapshot", "--check", "schema.txt", code=2).err


def test_a_subscription_keeps_no_scratch_database(late, cli, scratch, database):
    subscribed = (
        "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false);"
    )
    late.write(_103_add=subscribed)
    assert cli("prove", env=scratch, code=0).out.startswith("same: ")
    assert left_behind(database) == []
