"""Limits that directives in the head of a file set."""

import psycopg
import pytest

import pgbraid
from pgbraid import Limits, MigrationFailed
from pgbraid.model.events import Retrying
from tests.fixtures.nontransactional import HEAD


@pytest.mark.parametrize("head", ["\\restrict abc\n", ";\n"])
def test_directive_before_first_statement_is_obeyed(big, head):
    text = head + "-- pgbraid: retry-for=0 lock-timeout=100ms\n"
    text += "CREATE TABLE log AS SELECT current_setting('lock_timeout'); ALTER TABLE big ADD x int"
    migrator = pgbraid.load({"1_a.sql": text}, limits=Limits(retry_for=3))
    emitted = []
    with psycopg.connect(big.conninfo) as reader:
        reader.execute("SELECT count(*) FROM big")
        with pytest.raises(MigrationFailed) as caught:
            migrator.up(big.conninfo, on_event=emitted.append)
    assert caught.value.sqlstate == "55P03"
    assert not any(isinstance(event, Retrying) for event in emitted)
    migrator.up(big.conninfo)
    assert big.rows("SELECT * FROM log") == [("100ms",)]


@pytest.mark.parametrize("batch", [False, True])
def test_batch_obeys_limits_of_files(big, batch):
    big.run("CREATE TABLE log (n int, s text)")
    insert = "INSERT INTO log VALUES ({}, current_setting('lock_timeout'))"
    files = {f"{n}_m.sql": insert.format(n) for n in (1, 3, 5)}
    files["2_m.sql"] = "-- pgbraid: lock-timeout=7s\n" + insert.format(2)
    files["4_m.sql"] = HEAD + insert.format(4) + "; VACUUM log"
    pgbraid.load(files).up(big.conninfo, batch=batch)
    assert big.versions() == [1, 2, 3, 4, 5]
    assert big.rows("SELECT n, s FROM log ORDER BY n") == [
        (n, "7s" if n == 2 else "500ms") for n in range(1, 6)
    ]


@pytest.mark.parametrize("fresh", [False, True])
def test_error_has_its_place_with_limits_of_file(database, fresh):
    if not fresh:
        database.run("CREATE TABLE somebodys ()")
    text = "-- pgbraid: lock-timeout=2s\nCREATE TABLE a (n int);\n"
    text += "INSERT INTO a SELECT 1 / count(*) FROM a;\n"
    with pytest.raises(MigrationFailed, match="division") as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert caught.value.diagnostic.location.line == 3
    text = text.replace("1 / ", "")
    assert len(pgbraid.load({"1_a.sql": text}).up(database.conninfo).applied) == 1


@pytest.mark.parametrize("lead", [300_000, 262_144 - len("-- pgbraid: lock-timeout=2")])
def test_directive_behind_long_head_of_large_file_is_obeyed(lead):
    head = "-" * (lead - 1) + "\n" + "-- pgbraid: lock-timeout=25s\n"
    text = head + "SELECT 1;\n" * 100_000
    (migration,) = pgbraid.load({"1_a.sql": text}).migrations.migrations
    assert migration.directives.lock_timeout == 25.0
