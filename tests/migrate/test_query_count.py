"""The queries of a run, read from the server's own log."""

import re
from functools import partial

import pytest

import pgbraid
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

STATEMENT = re.compile(
    r"^pgbraid/[\d.]+\|LOG:  (?:statement|execute \S+): (.*(?:\n\t.*)*)", re.MULTILINE
)


def statements(folder, run):
    """Return the statements of pgbraid that the server logged during a call."""
    log = folder / "postgres.log"
    before = len(log.read_text())
    run()
    return STATEMENT.findall(log.read_text()[before:])


def connections(folder, run):
    log = folder / "postgres.log"
    before = len(log.read_text())
    run()
    return log.read_text()[before:].count("connection authorized")


def test_run_with_nothing_to_do_asks_one_query_on_one_connection(programs, tmp_path):
    files = {f"{n}_m.sql": f"SELECT {n}" for n in range(1, 51)}
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    with (tmp_path / "db" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("\nlog_statement = all\nlog_line_prefix = '%a|'\nlog_connections = on\n")
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        migrator = pgbraid.load(files)
        sent = statements(tmp_path / "db", lambda: migrator.up(server.conninfo))
        assert len(sent) > 50
        older = pgbraid.load({"7_m.sql": "SELECT 7"})
        newer_ok = partial(older.check, newer_ok=True)
        commands = (migrator.up, migrator.check, migrator.plan, migrator.status, migrator.ready)
        for command in (*commands, newer_ok, older.ready):
            call = partial(command, server.conninfo)
            query, *more = statements(tmp_path / "db", call)
            assert not more
            assert "SELECT version, name, checksum" in query
            assert connections(tmp_path / "db", call) == 1
        squashed = pgbraid.load({"50_baseline.sql": "-- pgbraid: replaces=1-50\nSELECT 1"})
        assert len(statements(tmp_path / "db", lambda: squashed.up(server.conninfo))) == 1


def test_wait_reads_with_one_query_over_one_connection(programs, tmp_path, monkeypatch):
    monkeypatch.setattr("pgbraid.migrate.wait._PAUSE", 0.01)
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    with (tmp_path / "db" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("\nlog_statement = all\nlog_line_prefix = '%a|'\nlog_connections = on\n")
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(server.conninfo)
        two = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"})

        def wait():
            with pytest.raises(pgbraid.NotReady):
                two.ready(server.conninfo, timeout=1)

        sent = statements(tmp_path / "db", wait)
        last = sent[-1]
        assert "SELECT version, name, checksum" in last
        assert sent[-3:] == [last] * 3
        assert connections(tmp_path / "db", wait) == 1


def test_order_at_start_is_schema_lock_table(programs, tmp_path):
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    with (tmp_path / "db" / "data" / "postgresql.conf").open("a") as conf:
        conf.write("\nlog_statement = all\nlog_line_prefix = '%a|'\n")
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        migrator = pgbraid.load({"1_a.sql": "SELECT 'the body'"}, schema="app")
        sent = statements(tmp_path / "db", lambda: migrator.up(server.conninfo))
    marks = [
        "CREATE SCHEMA",
        "pg_try_advisory_lock",
        "CREATE TABLE",
        "version, name, checksum",
        "the body",
        "INSERT INTO",
        "COMMIT",
    ]
    places = []
    for mark in marks:
        start = places[-1] if places else 0
        places.append(next(i for i, text in enumerate(sent) if i >= start and mark in text))
    assert places == sorted(places)
