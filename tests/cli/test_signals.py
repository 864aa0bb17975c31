"""Signals: the exit code, the migration in progress, and nothing left behind."""

import json
import signal
import subprocess
import time

import psycopg
import pytest

from pgbraid.model.migration import LedgerTable


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_run_leaves_prefix_and_no_lock(cli, folder, database, watches, sign, code):
    folder.write(_1_a="CREATE TABLE a ()", _2_b="CREATE TABLE b (); SELECT pg_sleep(60)")
    run = cli.start("up")
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state ="
    query += " 'active' AND datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while not database.value(query) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(sign)
    out, err = run.communicate(timeout=30)
    assert run.returncode == code
    if sign is not signal.SIGKILL:
        assert "  1_a " in out
        assert "stopped; 1 migration applied, 2_b was rolled back" in err
        assert not database.value(query)
    elif not watches:  # the server would run the statement to its end, and commit
        database.run(query.replace("count(*)", "pg_terminate_backend(pid)"))
    assert database.versions() == [1]
    folder.write(_2_b="CREATE TABLE b ()")
    cli("up", code=0)
    assert database.versions() == [1, 2]


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
def test_stop_names_migration_in_progress(cli, folder, database, sign, code):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up")
    wait_for(database, SLEEPS)
    run.send_signal(sign)
    _, err = run.communicate(timeout=30)
    assert run.returncode == code
    assert err.splitlines()[0] == "ERROR:  stopped; 1 migration applied, 2_b was rolled back"
    assert "HINT:  Run `pgbraid up` to continue." in err


def test_stop_in_json_is_documented_error(cli, folder, database):
    folder.write(_1_a="SELECT pg_sleep(60)")
    run = cli.start("up", "--json")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 130
    assert '"type": "Stopped"' in out
    assert '"notices": []' in out


def test_dry_run_can_be_stopped(cli, folder, database):
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up", "--dry-run")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "stopped" in err
    assert "current transaction is aborted" not in err


def test_stop_while_waiting_reports_nothing_of_other_runs(cli, folder, database):
    folder.write(_1_a="SELECT 1")
    with psycopg.connect(database.conninfo, autocommit=True, application_name="other") as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        run = cli.start("up")
        assert "waiting for the lock, held by process" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=30)
    assert run.returncode == 130
    assert err.splitlines()[0] == "ERROR:  stopped; 0 migrations applied"


def test_dry_run_that_is_stopped_has_applied_nothing(cli, folder, database):
    folder.write(_1_a="CREATE TABLE a ()", _2_b="SELECT pg_sleep(60)")
    run = cli.start("up", "--dry-run", "--json")
    wait_for(database, SLEEPS)
    run.send_signal(signal.SIGTERM)
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 143
    assert json.loads(out)["applied"] == []


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
