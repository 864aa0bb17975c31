"""A migration that writes to the set is refused, however it does it and whatever counts it."""

import pytest

import pgbraid
from pgbraid import MigrationFailed

MAKE = (
    "version bigint PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),"
    " checksum text"
)
WRITES = "INSERT INTO applied_migrations VALUES (3, 'c', now(), NULL)"
FIRST = {"1_a.sql": "CREATE TABLE a ()"}


def files(body):
    return {**FIRST, "2_writes.sql": body, "3_c.sql": "CREATE TABLE c ()"}


def refused(database, body, **options):
    """Run a body, see that it is refused, and that the version it wrote was not."""
    braid = pgbraid.load(files(body))
    with pytest.raises(MigrationFailed, match=r"writes to public\.applied_migrations"):
        braid.up(database.conninfo, **options)
    assert database.versions() == [1]
    assert not braid.check(database.conninfo).ok


def test_a_row_of_a_partitioned_set(database):
    database.run(f"CREATE TABLE applied_migrations ({MAKE}) PARTITION BY RANGE (version)")
    database.run("CREATE TABLE part PARTITION OF applied_migrations DEFAULT")
    pgbraid.load(FIRST).reconcile(database.conninfo, trust="applied_set")
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, WRITES)
    refused(database, "INSERT INTO part VALUES (3, 'c', now(), NULL)")


def test_a_row_of_a_table_that_inherits_the_set(database):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run("CREATE TABLE child () INHERITS (applied_migrations)")
    database.run("CREATE TABLE grandchild () INHERITS (child)")
    refused(database, "INSERT INTO child VALUES (3, 'c', now(), NULL)")
    refused(database, "INSERT INTO grandchild VALUES (3, 'c', now(), NULL)")
    refused(
        database,
        "CREATE TABLE mine () INHERITS (applied_migrations);"
        " INSERT INTO mine VALUES (3, 'c', now(), NULL)",
    )


def test_a_row_of_a_partition_that_is_emptied(database):
    database.run(f"CREATE TABLE applied_migrations ({MAKE}) PARTITION BY RANGE (version)")
    database.run("CREATE TABLE part PARTITION OF applied_migrations DEFAULT")
    pgbraid.load(FIRST).reconcile(database.conninfo, trust="applied_set")
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, "TRUNCATE part")


@pytest.mark.parametrize(
    "body",
    [
        f"SET track_counts = off; {WRITES}",
        f"SET LOCAL track_counts = off; {WRITES}; SET LOCAL track_counts = on",
        f"DO $$ BEGIN SET LOCAL track_counts = off; {WRITES}; SET LOCAL track_counts = on; END $$",
    ],
)
def test_a_row_that_the_statistics_do_not_count(database, body):
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, body)
    refused(database, body, batch=True)


def test_a_row_where_the_database_counts_nothing(database):
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET track_counts = off")
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, WRITES)


def test_reading_the_set_is_allowed(database):
    body = (
        "CREATE TABLE copied AS SELECT * FROM applied_migrations;"
        " SELECT * FROM applied_migrations FOR UPDATE;"
        " CREATE TABLE refers (version bigint REFERENCES applied_migrations);"
        " INSERT INTO refers VALUES (1); ANALYZE applied_migrations;"
        " DO $$ BEGIN INSERT INTO applied_migrations VALUES (9, 'x', now(), NULL);"
        " RAISE EXCEPTION 'never mind'; EXCEPTION WHEN raise_exception THEN END $$"
    )
    pgbraid.load(FIRST).up(database.conninfo)
    assert len(pgbraid.load(files(body)).up(database.conninfo).applied) == 2


def test_a_row_that_another_program_writes_meanwhile_is_not_taken_for_another_run(database):
    """The lock keeps other runs out, so a row that appears under it was not put by one."""
    pgbraid.load(FIRST).up(database.conninfo)

    def listen(event):
        if type(event).__name__ == "Started" and event.step.migration.version == 3:
            database.run(WRITES)

    braid = pgbraid.load(files("SELECT 2"))
    with pytest.raises(MigrationFailed, match="no run of pgbraid has applied it") as caught:
        braid.up(database.conninfo, on_event=listen)
    assert caught.value.migration.version == 3
    assert [o.migration.version for o in caught.value.applied] == [2]


def test_the_error_is_the_one_that_happened_where_a_body_prunes_the_journal(database):
    """What a fresh run has committed is read from the set where the journal has no line of it."""
    braid = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (i int)",
            "2_prunes.sql": "DELETE FROM applied_migrations_journal",
            "3_c.sql": "CREATE TABLE c ()",
            "4_d.sql": "CREATE TABLE d (i int PRIMARY KEY, i int)",
        }
    )
    with pytest.raises(MigrationFailed, match='column "i" specified more than once') as caught:
        braid.up(database.conninfo)
    assert caught.value.migration.version == 4
    assert [o.migration.version for o in caught.value.applied] == [1, 2, 3]
    assert database.versions() == [1, 2, 3]
