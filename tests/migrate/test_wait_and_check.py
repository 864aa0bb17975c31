"""`ready` and `check` with newer_ok agree in any state of files and ledger."""

import random

import pytest

import pgbraid
from tests.fixtures.waits import load

TEXTS = {n: f"CREATE TABLE t{n} ()" for n in range(1, 6)}
DAMAGES = (
    "DELETE FROM applied_migrations WHERE version = 2",
    "DROP TABLE applied_migrations_journal",
    "DROP TABLE applied_migrations",
    "TRUNCATE applied_migrations, applied_migrations_journal",
    "UPDATE applied_migrations SET name = 'other' WHERE version = 1",
    "UPDATE applied_migrations SET checksum = repeat('0', 64) WHERE version = 3",
    "UPDATE applied_migrations SET checksum = NULL",
    "ALTER TABLE applied_migrations RENAME TO elsewhere",
)
FAILS = {"6_f.sql": "-- pgbraid: no-transaction\nSELECT 1;\nSELECT 1 / 0;"}


def some_files(rng):
    files = {f"{n}_t{n}.sql": TEXTS[n] for n in rng.sample(list(TEXTS), rng.randint(0, 5))}
    if rng.random() < 0.15:
        files["7_wrong.sql"] = "COMMIT"
    if rng.random() < 0.15:
        files |= FAILS
    return files


def answer_of_check(migrator, url):
    try:
        return migrator.check(url, newer_ok=True).ok
    except pgbraid.PgbraidError:
        return False


def answer_of_ready(migrator, url):
    try:
        return migrator.ready(url, timeout=0).ready
    except pgbraid.PgbraidError:
        return False


@pytest.mark.parametrize("seed", range(60))
def test_answers_are_equal(database, seed):
    rng = random.Random(seed)
    applied = {f"{n}_t{n}.sql": TEXTS[n] for n in rng.sample(list(TEXTS), rng.randint(0, 5))}
    if applied:
        load(applied).up(database.conninfo)
    if applied and rng.random() < 0.2:
        with pytest.raises(pgbraid.MigrationFailed):
            load(applied | FAILS).up(database.conninfo)
    if applied and rng.random() < 0.4:
        database.run(rng.choice(DAMAGES))
    for _ in range(4):
        migrator = load(some_files(rng), verify=rng.choice(["error", "warn", "off"]))
        expected = answer_of_check(migrator, database.conninfo)
        assert answer_of_ready(migrator, database.conninfo) == expected
    whole = load(applied)
    expected = answer_of_check(whole, database.conninfo)
    assert answer_of_ready(whole, database.conninfo) == expected
