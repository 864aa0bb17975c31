"""Migrations are handed to other processes, and answers and errors handed back."""

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
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as found:
        yield found


def test_another_process_migrates_and_hands_its_report_back(database, pool):
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a ()"})
    report = pool.submit(braid.up, database.conninfo).result()
    assert [outcome.migration.label for outcome in report.applied] == ["1_a"]
    assert database.versions() == [1]


def test_a_failure_in_another_process_comes_back_whole(database, pool):
    braid = pgbraid.load({"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "SELECT 1;\nSELECT nosuch"})
    error = pool.submit(braid.up, database.conninfo).exception()
    assert isinstance(error, pgbraid.MigrationFailed)
    assert (error.migration.version, error.sqlstate) == (2, "42703")
    assert str(error.diagnostic.location) == "2_b.sql:2:8"
    assert [outcome.migration.version for outcome in error.applied] == [1]


def test_problems_in_another_process_come_back_whole(database, pool):
    braid = pgbraid.load({"1_a.sql": "COMMIT", "2_b.sql": "ROLLBACK"})
    error = pool.submit(braid.up, database.conninfo).exception()
    assert [problem.location.file for problem in error.problems] == ["1_a.sql", "2_b.sql"]


def test_every_answer_travels_whole(database, folder):
    folder.write(_1_a="CREATE TABLE a ()", _3_c="CREATE TABLE c ()")
    braid = folder.load()
    heard = []
    values = [braid, braid.plan(database.conninfo)]
    values += [braid.up(database.conninfo, on_event=heard.append)]
    braid = folder.put("2_b.sql", "CREATE TABLE b ()").put("2_b.down.sql", "").load()
    values += [braid.up(database.conninfo, dry_run=True), braid.status(database.conninfo)]
    values += [braid.check(database.conninfo), braid.check_files()]
    values += [braid.repair(database.conninfo)]
    values += [braid.prove(database.conninfo), *heard]
    assert len(values) > 11
    for value in values:
        for other in twice(value):
            assert other == value
    first, _ = twice(braid)
    assert [o.migration.version for o in first.up(database.conninfo).applied] == [2]
