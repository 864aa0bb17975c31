"""Migrations, results and errors can be sent to other processes and back."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

import pgbraid


def twice(value):
    return pickle.loads(pickle.dumps(value)), copy.deepcopy(value)  # noqa: S301


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def test_another_process_migrates_and_hands_its_report_back(database, pool):
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})
    report = pool.submit(migrator.up, database.conninfo).result()
    assert [outcome.migration.label for outcome in report.applied] == ["1_a"]
    assert database.versions() == [1]


def test_failure_in_another_process_comes_back_whole(database, pool):
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "SELECT 1;\nSELECT nosuch"})
    error = pool.submit(migrator.up, database.conninfo).exception()
    assert isinstance(error, pgbraid.MigrationFailed)
    assert (error.migration.version, error.sqlstate) == (2, "42703")
    assert str(error.diagnostic.location) == "2_b.sql:2:8"
    assert [outcome.migration.version for outcome in error.applied] == [1]


def test_problems_in_another_process_come_back_whole(database, pool):
    migrator = pgbraid.load({"1_a.sql": "COMMIT", "2_b.sql": "ROLLBACK"})
    error = pool.submit(migrator.up, database.conninfo).exception()
    assert [problem.location.file for problem in error.problems] == ["1_a.sql", "2_b.sql"]


def test_proofs_and_snapshots_can_be_pickled(database, folder, programs, monkeypatch, pool):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(_1_t="CREATE TABLE t (n int)", _3_v="CREATE VIEW v AS SELECT * FROM t")
    migrator = folder.load(settings=False)
    migrator.up(database.conninfo)
    folder.write(_2_k="ALTER TABLE t ADD k int")
    database.run("ALTER TABLE t ADD by_hand int")
    migrator = folder.load(settings=False, gaps="prove")
    snapshot, drifted = migrator.snapshot(database.conninfo), migrator.drift(database.conninfo)
    proof = migrator.prove(database.conninfo)
    assert proof.pair is not None
    assert drifted.differences
    for value in (snapshot, drifted, proof):
        for other in twice(value):
            assert other == value
    other, _ = twice(snapshot)
    assert (dict(other.parents), other.server) == (dict(snapshot.parents), snapshot.server)
    for part in (other.catalogs, other.parents, other.catalogs["pg_class"].rows):
        with pytest.raises(TypeError):
            part["x"] = None
    assert pool.submit(migrator.snapshot, database.conninfo).result() == snapshot
    error = pool.submit(migrator.up, database.conninfo).exception()
    assert isinstance(error, pgbraid.NotProven)
    assert error.proof.pair.sentence == proof.pair.sentence


def test_every_result_can_be_pickled(database, folder):
    folder.write(_1_a="CREATE TABLE a ()", _3_c="CREATE TABLE c ()")
    migrator = folder.load()
    events = []
    values = [migrator, migrator.plan(database.conninfo)]
    values += [migrator.up(database.conninfo, on_event=events.append)]
    migrator = folder.put("2_b.sql", "CREATE TABLE b ()").put("2_b.down.sql", "").load()
    values += [migrator.up(database.conninfo, dry_run=True), migrator.status(database.conninfo)]
    values += [migrator.check(database.conninfo), migrator.check_files()]
    values += [migrator.repair(database.conninfo)]
    values += [migrator.prove(database.conninfo), *events]
    assert len(values) > 11
    for value in values:
        for other in twice(value):
            assert other == value
    first, _ = twice(migrator)
    assert [o.migration.version for o in first.up(database.conninfo).applied] == [2]
