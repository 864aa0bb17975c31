"""A run waits for a server that does not listen yet, but not for one that refuses."""

import signal
from dataclasses import replace

import pytest
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client import connection
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect
from tests.fixtures.relays import relay

COMMANDS = [["up"], ["plan"], ["status"], ["check"], ["snapshot"], ["repair", "--all"]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_missing_server_is_waited_for(program, folder, database, port, words):
    folder.write(_1_a="CREATE TABLE a ()")
    with relay(port, database, 1.5) as url:
        answer = program(*words, "--wait", "60s", "--database", url)
        assert answer.code in {0, 1}, answer.err
        assert answer.err.startswith("waiting for the server: cannot connect to 127.0.0.1:")


def test_server_that_is_starting_is_waited_for(program, folder, database, port):
    folder.write(_1_a="CREATE TABLE a ()")
    with relay(port, database, 1.5, starting=True) as url:
        answer = program("up", "--wait", "60s", "--database", url, code=0)
        assert "the database system is starting up" in answer.err
    assert database.versions() == [1]


def test_run_without_wait_option_does_not_wait(program, folder, port):
    folder.write(_1_a="CREATE TABLE a ()")
    answer = program("up", "--database", f"postgresql://u@127.0.0.1:{port}/d", code=4)
    assert "waiting" not in answer.err


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "no-such-host.invalid", "/no/such/folder"], ids=["port", "name", "socket"]
)
def test_server_that_does_not_start_in_time_is_error(program, folder, port, host):
    folder.write(_1_a="CREATE TABLE a ()")
    url = f"host={host} port={port} user=u dbname=d"
    answer = program("status", "--wait", "1s", "--database", url, code=4)
    assert answer.err.count("waiting for the server: cannot connect to") == 1
    assert answer.err.count("ERROR:  cannot connect to") == 1


def tries(monkeypatch, conninfo):
    """Count the attempts to connect within a wait of a minute."""
    counted = []
    real = connection.open_connection

    def count(parameters):
        counted.append(parameters)
        return real(parameters)

    monkeypatch.setattr("pgbraid.postgres.client.open_session.open_connection", count)
    target = replace(parse_target(conninfo), wait=60.0)
    with pytest.raises(pgbraid.ConnectionFailed), connect(target, LedgerTable(), StopToken()):
        pass
    return len(counted)


def test_server_that_refuses_database_or_user_is_not_waited_for(database, monkeypatch):
    none = make_conninfo(database.conninfo, dbname="no_such_database")
    assert tries(monkeypatch, none) <= 2
    assert tries(monkeypatch, make_conninfo(database.conninfo, user="no_such_role")) <= 2


def test_wait_is_ended_by_signal(program, folder, port):
    folder.write(_1_a="CREATE TABLE a ()")
    url = f"postgresql://u@127.0.0.1:{port}/d"
    run = program.start("up", "--wait", "60s", "--database", url)
    assert run.stderr.readline().startswith("waiting for the server")
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 143, err


@pytest.mark.parametrize("wrong", ["soon", "-1", ""])
def test_invalid_duration_is_refused(program, folder, wrong):
    folder.write(_1_a="CREATE TABLE a ()")
    words = ["up", f"--wait={wrong}", "--database", "postgresql://u@127.0.0.1:1/d"]
    assert "--wait must be a number of seconds" in program(*words, code=2).err


def test_lost_connection_is_not_waited_for(database):
    """The outcome of the run is queried at once, not after a minute."""
    target = replace(parse_target(database.conninfo), wait=60.0)
    with connect(target, LedgerTable(), StopToken()) as session:
        assert session.target.wait == 0
