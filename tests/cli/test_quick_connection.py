"""The quick answer connects to the same server as the usual way, as quietly, or gives no answer."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgbraid.cli.quick import quick_answer
from pgbraid.postgres import connection_string
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.libpq import find_libpq
from tests.fixtures.key_proxy import key_proxy
from tests.fixtures.quick_answers import agree, outcome, start, write_files

pytestmark = pytest.mark.skipif(
    find_libpq() is None, reason="the driver's libpq cannot be called here, so no answer is quick"
)


def test_password_on_the_command_line_is_warned_about(at_home, folder, database, capsys):
    start(at_home, folder, database)
    words = ["up", "--database", make_conninfo(database.conninfo, password="secret")]  # noqa: S106
    assert agree(capsys, words)
    quick_answer(words)
    assert "read the password on the command line" in capsys.readouterr().err


def test_unverified_server_is_warned_about(at_home, folder, database, capsys, monkeypatch):
    start(at_home, folder, database)
    monkeypatch.setattr(connection_string, "_LOCAL", "nothing is local")
    with key_proxy(database, "pass") as conninfo:
        monkeypatch.setenv("PGBRAID_DATABASE_URL", conninfo)
        assert agree(capsys, ["up"])
        quick_answer(["up"])
    assert "is not verified: sslmode is disable" in capsys.readouterr().err


def test_role_of_the_settings_is_checked(at_home, folder, database, capsys, role):
    start(at_home, folder, database)
    (at_home / "pgbraid.toml").write_text(f'role = "{role}"')
    assert not agree(capsys, ["up"])  # it may not read the ledger
    database.run(
        f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role};"
        f"GRANT USAGE ON SCHEMA public TO {role}"
    )
    assert agree(capsys, ["up"])


def test_locked_ledger_is_left_to_the_driver(at_home, folder, database, capsys):
    start(at_home, folder, database)
    with psycopg.connect(database.conninfo) as conn:
        conn.execute("LOCK applied_migrations")
        assert outcome(capsys, quick_answer, ["up"]) is None


def test_notice_is_left_to_the_driver(at_home, folder, database, capsys):
    start(at_home, folder, database)
    database.run(
        "CREATE FUNCTION public.warns() RETURNS bool LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE WARNING 'heard'; RETURN true; END $$;"
        "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY;"
    )
    libpq = find_libpq()
    parameters = parse_target(database.conninfo).parameters
    assert libpq.ask(parameters, "SELECT public.warns()") is None
    assert libpq.ask(parameters, "SELECT 1")[0].rows == [(b"1",)]


@pytest.mark.parametrize(
    "given",
    [
        {"dbname": ""},
        {"host": ""},
        {"user": ""},
        {"sslmode": ""},
        {"connect_timeout": "soon"},
        {"oauth_issuer": "https://example.com", "oauth_client_id": "a"},
    ],
)
def test_parameters_that_libpq_reads_otherwise_are_left_to_the_driver(
    given, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    parameters = conninfo_to_dict(database.conninfo)
    for name, variable in (("dbname", "PGDATABASE"), ("host", "PGHOST"), ("user", "PGUSER")):
        monkeypatch.setenv(variable, parameters[name])
    monkeypatch.setenv("PGBRAID_DATABASE_URL", make_conninfo(**{**parameters, **given}))
    assert outcome(capsys, quick_answer, ["up"]) is None


def test_value_that_is_not_utf8_is_left_to_the_driver(
    at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    for name in ("host", "user", "dbname"):
        value = conninfo_to_dict(database.conninfo)[name]
        monkeypatch.setenv({"dbname": "PGDATABASE"}.get(name, f"PG{name.upper()}"), value)
    monkeypatch.setenv("PGBRAID_DATABASE_URL", "postgresql://?password=%ff")
    assert not agree(capsys, ["up"])
    monkeypatch.setenv("PGBRAID_DATABASE_URL", "postgresql://?password=f")
    assert agree(capsys, ["up"])


def test_warning_about_password_file_is_not_printed_twice(at_home, folder, database, monkeypatch):
    start(at_home, folder, database)
    folder.put("9_new.sql", "SELECT 9")
    (at_home / "passwords").write_text("*:*:*:*:x")
    (at_home / "passwords").chmod(0o644)
    monkeypatch.setenv("PGPASSFILE", str(at_home / "passwords"))
    ended = subprocess.run(
        [sys.executable, "-m", "pgbraid", "check"], capture_output=True, text=True, check=False
    )
    assert ended.stderr.count("has group or world access") == 1


@pytest.mark.parametrize(
    ("zone", "at"), [("UTC-9", "9999-12-31 23:59:59+00"), ("UTC+5", "0001-01-01 00:00:00+00")]
)
def test_time_at_the_end_of_the_range_is_shown(
    zone, at, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    database.run(f"UPDATE applied_migrations SET applied_at = '{at}'")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert agree(capsys, ["status"])
        quick_answer(["status"])
        assert at[4:] in capsys.readouterr().out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_a_free_descriptor_the_connection_is_closed_all_the_same(
    database, role, monkeypatch
):
    def dup(_):
        raise OSError(errno.EMFILE, "no free descriptor")

    database.run(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    libpq, parameters = find_libpq(), parse_target(database.as_role(role)).parameters
    monkeypatch.setattr(os, "dup", dup)
    assert libpq.ask(parameters, "SELECT 1/0") is None
    while database.value(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"):
        time.sleep(0.01)


@pytest.mark.parametrize(
    "conninfo",
    [
        "host=127.0.0.1 port=1",
        "host=/nonexistent",
        "host=nowhere.invalid",
        "sslmode=nonsense",
        "a=b",
    ],
)
def test_failed_connection_gives_no_answer(
    conninfo, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    monkeypatch.setenv("PGBRAID_DATABASE_URL", conninfo)
    assert outcome(capsys, quick_answer, ["up"]) is None


def test_silent_server_gives_no_answer_in_time(at_home, folder, database, capsys, monkeypatch):
    start(at_home, folder, database)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("PGBRAID_DATABASE_URL", f"host=127.0.0.1 port={port}")
        assert outcome(capsys, quick_answer, ["up"]) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_while_the_server_is_silent_stops_the_command(number, at_home, folder, monkeypatch):
    """A process that leaves the default action to the system would die of the signal instead."""
    write_files(folder)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("PGBRAID_DATABASE_URL", f"host=127.0.0.1 port={port}")
        words = [sys.executable, "-m", "pgbraid", "check"]
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as command:
            client, _ = silent.accept()  # the quick answer asks first
            client.recv(1)
            command.send_signal(number)
            _, err = command.communicate(timeout=30)
            client.close()
    assert command.returncode == 128 + number
    assert err.startswith("ERROR:  stopped\n")


def test_session_without_an_answer_has_ended_before_the_next_one(database, role):
    database.run(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    libpq, conninfo = find_libpq(), database.as_role(role)
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"
    for _ in range(20):
        assert libpq.ask(parse_target(conninfo).parameters, "SELECT 1/0") is None
        psycopg.connect(conninfo).close()
        while database.value(sessions):
            time.sleep(0.01)
