"""What happens to a program in the wild: closed pipes, stops, odd folders, odd machines."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from pgbraid.model.migration import LedgerTable


def shell(cli, command):
    """Run a shell command in which ``pgbraid`` is the program."""
    return subprocess.run(
        ["/bin/bash", "-c", command.replace("pgbraid", f"{sys.executable} -m pgbraid")],
        cwd=cli.cwd,
        env=cli.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def many(folder):
    return folder.write(**{f"_{n}_m": f"SELECT {n}" for n in range(1, 10)})


@pytest.mark.parametrize(
    "command",
    [
        "pgbraid up | true",
        "pgbraid up | head -1",
        "pgbraid up >&-",
        "pgbraid up 2>&-",
        "pgbraid up >&- 2>&-",
        "pgbraid up > /dev/full",
        "pgbraid up --json | true",
        "pgbraid up -v 2> /dev/full",
    ],
)
def test_a_reader_that_goes_away_does_not_end_a_run(cli, folder, database, command):
    many(folder)
    answer = shell(cli, f"set -o pipefail; {command}")
    assert database.versions() == list(range(1, 10))
    assert "Traceback" not in answer.stderr
    assert "Exception ignored" not in answer.stderr
    assert answer.returncode == 0


def test_a_full_disk_is_said(cli, folder):
    many(folder)
    answer = shell(cli, "pgbraid status > /dev/full")
    assert "cannot write the answer: No space left on device" in answer.stderr


def wait_for(database, condition):
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <>"
    deadline = time.monotonic() + 60
    while not database.value(f"{query} pg_backend_pid() AND {condition}"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


SLEEPS = "state = 'active' AND query LIKE '%pg_sleep(60)%'"


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_stop_names_the_migration_in_progress(cli, folder, database, sign, code):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up")
    wait_for(database, SLEEPS)
    run.send_signal(sign)
    _, err = run.communicate(timeout=30)
    assert run.returncode == code
    assert err.splitlines()[0] == "ERROR:  stopped; 1 migration applied, 2_b was rolled back"
    assert "HINT:  Run `pgbraid up` to continue." in err


def test_a_stop_in_json_is_the_documented_error(cli, folder, database):
    folder.write(_1_a="SELECT pg_sleep(60)")
    run = cli.start("up", "--json")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 130
    assert '"type": "Stopped"' in out
    assert '"notices": []' in out


def test_a_stop_of_a_dry_run_is_a_stop(cli, folder, database):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up", "--dry-run")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "stopped" in err
    assert "current transaction is aborted" not in err


def test_a_stop_while_waiting_claims_nothing_of_others(cli, folder, database):
    folder.write(_1_a="SELECT 1")
    with psycopg.connect(database.conninfo, autocommit=True, application_name="other") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        run = cli.start("up")
        assert "waiting for the lock, held by process" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err.splitlines()[0] == "ERROR:  stopped; 0 migrations applied"


def test_waiting_for_the_lock_is_told(cli, folder, database):
    folder.write(_1_a="SELECT 1")
    with psycopg.connect(database.conninfo, autocommit=True, application_name="other") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        answer = cli("up", "--lock-wait", "2", code=4)
    assert "waiting for the lock, held by process" in answer.err
    assert "(other), role postgres" in answer.err


def test_two_branches_with_one_version_are_not_a_rename(cli, folder, database):
    folder.put("2_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.remove("2_a.sql")
    folder.put("2_b.sql", "CREATE TABLE b ()")
    answer = cli("up", code=1)
    assert answer.err.count("ERROR:") == 1
    assert "version 2 was applied as 'a'; 2_b.sql is another migration" in answer.err
    assert "HINT:  Rename 2_b.sql to the next free version, 3" in answer.err
    for words in (("repair", "2"), ("repair", "--all"), ("repair", "--rename", "--all")):
        refused = cli(*words, code=2)
        assert "2_b.sql is another migration" in refused.err
    assert database.rows("SELECT name FROM applied_migrations") == [("a",)]
    (folder.path / "2_b.sql").rename(folder.path / "3_b.sql")
    cli("up", code=0)
    assert database.value("SELECT to_regclass('b') IS NOT NULL")


def test_one_migration_renamed_and_edited_is_accepted_by_its_version(cli, folder, database):
    folder.put("2_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.remove("2_a.sql")
    folder.put("2_b.sql", "CREATE TABLE a (); -- why\nSELECT 1")
    assert "`pgbraid repair --rename 2`" in cli("up", code=1).err
    cli("repair", "--rename", "2", code=0)
    assert database.rows("SELECT name FROM applied_migrations") == [("b",)]
    cli("check", code=0)


def test_of_two_files_the_applied_one_is_named(cli, folder):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.put("1_b.sql", "CREATE TABLE b ()")
    assert "DETAIL:  The applied migration is 'a': keep that file." in cli("up", code=1).err


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "\ufeff"])
def test_an_empty_file_is_applied_with_a_warning(cli, folder, database, text):
    """Real histories hold some; but a new one is more often not written yet."""
    folder.put("1_a.sql", text)
    assert "WARNING:  1_a.sql is empty" in cli("check", "--offline", code=0).err
    assert "WARNING:  1_a.sql is empty" in cli("plan", code=0).err
    assert "WARNING:  1_a.sql is empty" in cli("up", code=0).err
    assert cli("up", code=0).err == ""
    assert database.versions() == [1]


def test_what_was_empty_when_it_was_applied_is_not_to_be_accepted(cli, folder):
    folder.put("1_a.sql", "")
    cli("up", code=0)
    folder.put("1_a.sql", "CREATE TABLE a ()")
    answer = cli("up", code=1)
    assert "none of it ran: put its text into a new migration" in answer.err
    assert "pgbraid repair" not in answer.err


def test_an_empty_down_file_undoes_nothing(cli, folder, database):
    folder.put("1_a.up.sql", "SELECT 1").put("1_a.down.sql", b"")
    cli("up", code=0)
    assert "1_a.down.sql is empty" in cli("undo", "1", "--yes", code=1).err
    assert database.versions() == [1]


def test_down_files_are_looked_at_offline(cli, folder):
    folder.put("1_a.up.sql", "SELECT 1").put("1_a.down.sql", "SELECT 1;\nCOMMIT;")
    answer = cli("check", "--offline", code=0)
    assert "1_a.down.sql:2:1: WARNING:  COMMIT inside a migration" in answer.err


def test_an_open_quote_is_found_offline(cli, folder):
    folder.put("1_a.sql", "SELECT 1;\nSELECT 'open;\n")
    assert "1_a.sql:2:8: ERROR:  a quote or comment begins here and never ends" in (
        cli("check", "--offline", code=1).err
    )


def test_a_check_never_says_unchanged_of_what_changed(cli, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    cli("up", code=0)
    folder.put("1_a.sql", "SELECT 1 -- one")
    answer = cli("check", code=0)
    assert answer.out == (
        "yes: 1 migration applied, all files match; 1 changed in comments or white space.\n"
    )
    folder.put("1_a.sql", "SELECT 2")
    (tmp_path / "pgbraid.toml").write_text('verify = "warn"')
    cli("up", code=0)
    assert cli("check", code=1).out == "no: 1 problem.\n"
    (tmp_path / "pgbraid.toml").write_text('verify = "off"')
    assert cli("check", code=0).out == (
        "yes: 1 migration applied, all files match; their texts were not compared.\n"
    )


def test_the_first_change_of_an_empty_text_has_a_diff(cli, folder):
    folder.put("1_a.sql", "-- later")
    cli("up", code=0)
    folder.put("1_a.sql", "CREATE TABLE a ()")
    assert "    +CREATE TABLE a ()" in cli("up", code=1).err


def test_a_pipe_in_the_folder_is_no_trap(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    os.mkfifo(folder.path / "2_b.sql")
    assert (
        "2_b.sql cannot be read: it is not a regular file" in cli("check", "--offline", code=1).err
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("up", "--database", ""), "--database is empty"),
        (("up", "--embedded="), "--embedded is empty"),
        (("up", "--embedded", ""), "--embedded is empty"),
        (("up", "--dir", ""), "dir is empty"),
    ],
)
def test_an_option_from_an_unset_variable_is_refused(cli, folder, words, message):
    folder.put("1_a.sql", "SELECT 1")
    assert message in cli(*words, code=2).err


def test_a_plan_that_up_would_refuse_says_so(cli, folder):
    folder.put("1_a.sql", "SELECT 1").put("2_b.sql", "COMMIT")
    out = cli("plan", code=1).out
    assert out.splitlines()[-1] == "up would refuse: 1 problem."


def test_an_empty_folder_is_no_silent_yes(cli, folder):
    folder.path.mkdir()
    assert "WARNING:  no migration in migrations" in cli("up", code=0).err
    assert "WARNING:  no migration in migrations" in cli("check", "--offline", code=0).err
    (folder.path / "2024").mkdir()
    (folder.path / "2024" / "001_a.sql").touch()
    assert "sub-folders are not entered" in cli("up", code=0).err


def test_the_table_of_another_application_is_never_dropped(cli, folder, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    folder.put("1_a.sql", "SELECT 1")
    cli("up", "--no-adopt", code=0)
    assert "was not adopted" in cli("adopt", "--drop-tracker", code=2).err
    assert "--no-adopt" in cli("adopt", "--drop-tracker", "--no-adopt", code=2).err
    assert database.value("SELECT to_regclass('schema_migrations') IS NOT NULL")


def test_an_excluded_highest_version_does_not_keep_the_old_table(cli, folder, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (2, false)"
    )
    folder.put("1_a.sql", "SELECT 1").put("2_b.sql", "SELECT 2")
    cli("adopt", "--not-applied", "2", code=0)
    assert cli("adopt", "--drop-tracker", code=0).out == "Dropped public.schema_migrations.\n"


def test_a_counter_at_nothing_is_said(cli, folder, database):
    database.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    folder.put("1_a.sql", "SELECT 1")
    assert cli("adopt", code=0).out == (
        "Nothing to adopt: public.schema_migrations has no applied version.\n"
    )


def test_repair_all_mentions_what_is_only_renamed(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    cli("up", code=0)
    (folder.path / "1_a.sql").rename(folder.path / "1_b.sql")
    out = cli("repair", "--all", code=0).out
    assert out == "  1_b: has another name; accept it with --rename\nNothing repaired.\n"
    assert [m["state"] for m in cli("status", "--json", code=0).json["migrations"]] == ["renamed"]


def test_many_missing_files_are_one_warning(cli, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 1", _3_c="SELECT 1", _4_d="SELECT 1")
    cli("up", code=0)
    for name in ("1_a.sql", "2_b.sql", "3_c.sql"):
        folder.remove(name)
    err = cli("up", code=0).err
    assert err.count("WARNING:") == 1
    assert "3 applied versions have no file here: 1, 2, 3" in err


def test_what_cannot_be_tried_is_no_error(cli, folder):
    folder.write(_1_a="CREATE TYPE mood AS ENUM ('ok')")
    cli("up", code=0)
    folder.write(_2_b="ALTER TYPE mood ADD VALUE 'sad'", _3_c="SELECT 'sad'::mood")
    answer = cli("up", "--dry-run", code=0)
    assert "ERROR" not in answer.err
    assert "migrations/3_c.sql:1:8: WARNING:" in answer.err
    document = cli("up", "--dry-run", "--json", code=0).json
    assert (document["applied"], [m["version"] for m in document["would_apply"]]) == ([], [2])


def test_names_with_line_breaks_do_not_break_the_table(cli, folder):
    folder.put("1_a\nb.sql", "SELECT 1").put("2_c\td.sql", "SELECT 1")
    lines = cli("status", code=0).out.splitlines()
    assert len(lines) == 5
    assert "a\\x0ab" in lines[2]


def test_a_statement_that_cannot_be_in_a_transaction_gets_a_way_out(cli, folder):
    folder.put("1_a.sql", "CREATE TABLE t (x int)").put(
        "2_b.sql", "CREATE INDEX CONCURRENTLY i ON t (x)"
    )
    answer = cli("up", code=1)
    assert "2_b.sql:1:1: ERROR:  CREATE INDEX CONCURRENTLY cannot run inside" in answer.err
    assert "HINT:  Write `-- pgbraid: no-transaction` on the file's first line" in answer.err


def test_settings_say_where_a_bad_value_stands(cli, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "pgbraid.toml").write_text("[tool.pgbraid]\nschema = 'app'")
    cli("up", code=0)
    (tmp_path / "pgbraid.toml").write_text("dir = 3")
    assert "pgbraid.toml: dir must be text, not 3" in cli("up", code=2).err
    (tmp_path / "pgbraid.toml").write_text("database = 'x'")
    assert "HINT:  The database is never a setting" in cli("up", code=2).err


def test_new_keeps_sequences_and_timestamps_apart(program, folder):
    folder.put("014_a.sql", "x").put("20261122172713_b.sql", "x")
    assert program("new", "c", "--sequential", code=0).out == "migrations/015_c.sql\n"
    assert program("new", "d.sql", code=0).out.endswith("_d.sql\n")
    assert "File name too long" in program("new", "x" * 300, code=2).err


def test_a_lost_connection_names_the_migration(cli, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_terminate_backend(pg_backend_pid())")
    err = cli("up", code=4).err
    assert "DETAIL:  2_b was in progress; it was rolled back." in err


def test_usage_errors_know_their_command(program):
    answer = program("up", "--nonsense", code=2)
    assert "HINT:  Run `pgbraid up --help`." in answer.err
    assert program("up", "--nonsense", "--json", code=2).json["command"] == "up"


@pytest.mark.parametrize("home", ["/nonexistent", "/proc"])
def test_a_home_that_cannot_be_written_is_no_obstacle(program, folder, home):
    folder.put("1_a.sql", "SELECT 1")
    env = {"HOME": home, "XDG_CACHE_HOME": ""}
    assert "1 migration applied" in program("up", "--embedded", env=env, code=0).out


def test_a_folder_with_other_data_is_refused(program, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "db" / "data").mkdir(parents=True)
    (tmp_path / "db" / "data" / "precious").touch()
    answer = program("up", "--embedded", "db", code=4)
    assert "contains files that do not belong" in answer.err
    assert "--embedded" in answer.err
    (tmp_path / "file").touch()
    answer = program("up", "--embedded", "file", code=4)
    assert "HINT:  Name another folder with --embedded." in answer.err


def test_without_a_libpq_the_way_out_is_told(program, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "psycopg").mkdir()
    (tmp_path / "psycopg" / "__init__.py").write_text("raise ImportError('no pq wrapper')")
    env = {"PYTHONPATH": str(tmp_path)}
    answer = program("up", "--database", "host=x", env=env, code=2)
    assert "pip install 'pgbraid[binary]'" in answer.err
    assert program("check", "--offline", env=env, code=0)


def test_with_an_embedded_server_libpqs_variables_are_nobodys(program, folder):
    folder.write(_1_a="SELECT 1")
    env = {"PGSERVICE": "nowhere", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGUSER": "nobody"}
    program("up", "--embedded", "db", env=env, code=0)
    assert program("check", "--embedded", "db", env=env, code=0).err == ""


@pytest.mark.parametrize("name", [b"1_\xff.sql", b"V1_\xff.sql", b"1_\xe2\x80\xae.sql"])
def test_json_is_one_document_whatever_the_files_are_called(program, folder, name):
    folder.write(_2_b="SELECT 1")
    try:
        (folder.path / os.fsdecode(name)).write_text("SELECT 1")
    except OSError:
        pytest.skip("this file system has no such names")
    answer = program("check", "--offline", "--json")
    assert answer.out.isascii()
    assert answer.json["command"] == "check"
    program("check", "--offline")


def test_a_mistyped_folder_of_an_embedded_server_is_not_made(program, folder):
    folder.write(_1_a="SELECT 1")
    answer = program("status", "--embedded", "nowhere/deep/db", code=4)
    assert "nowhere/deep/db: No such file or directory" in answer.err
    folder.put("../file", "")
    assert "file is a file" in program("status", "--embedded", "file", code=4).err
    assert not (program.cwd / "nowhere").exists()


def test_what_a_throw_away_server_had_is_not_called_kept(program, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELEC")
    answer = program("up", "--embedded", code=3)
    assert "1 migration applied before it, removed with the temporary server" in answer.err


def test_the_programs_of_an_embedded_server_are_told_on_demand(program, folder):
    folder.write(_1_a="SELECT 1")
    answer = program("-v", "up", "--embedded", code=0)
    assert re.search(r"embedded PostgreSQL [\d.]+, its programs in /.*bin", answer.err)


def test_a_settings_file_may_begin_with_a_mark(program, folder):
    folder.write(_1_a="SELECT 1")
    (program.cwd / "pgbraid.toml").write_text("\ufeffdir = 'migrations'\n", encoding="utf-8")
    program("check", "--offline", code=0)


def test_a_dry_run_that_is_stopped_has_applied_nothing(cli, folder, database):
    folder.write(_1_a="CREATE TABLE a ()", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up", "--dry-run", "--json")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 143
    assert json.loads(out)["applied"] == []


def test_a_commit_that_the_server_refuses_is_not_called_half_done(cli, folder):
    folder.put("1_a.up.sql", "CREATE TABLE a ()")
    folder.put("1_a.down.sql", "DO $$ BEGIN DROP TABLE a; COMMIT; END $$")
    cli("up", code=0)
    assert "1_a stays applied" in cli("undo", "1", "--yes", code=3).err
    folder.put("2_b.sql", "DO $$ BEGIN COMMIT; END $$")
    assert "2_b was rolled back" in cli("up", code=3).err


def test_nohup_is_obeyed(cli, folder, database):
    folder.write(_1_a="SELECT pg_sleep(60)")
    ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    run = cli.start("up", preexec_fn=ignore)
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        run.communicate(timeout=1)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=30)
    assert run.returncode == 143
