"""A migration that writes to the applied set is refused, however it writes."""

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
    """Run a body; assert that it is refused, and that its row is not in the applied set."""
    migrator = pgbraid.load(files(body))
    with pytest.raises(MigrationFailed, match=r"writes to public\.applied_migrations"):
        migrator.up(database.conninfo, **options)
    assert database.versions() == [1]
    assert not migrator.check(database.conninfo).ok


def test_row_of_partitioned_applied_set_is_refused(database):
    database.run(f"CREATE TABLE applied_migrations ({MAKE}) PARTITION BY RANGE (version)")
    database.run("CREATE TABLE part PARTITION OF applied_migrations DEFAULT")
    pgbraid.load(FIRST).reconcile(database.conninfo, trust="applied_set")
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, WRITES)
    refused(database, "INSERT INTO part VALUES (3, 'c', now(), NULL)")


def test_row_of_child_of_applied_set_is_refused(database):
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


def test_row_of_truncated_partition_is_refused(database):
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
def test_row_missing_in_statistics_is_refused(database, body):
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, body)
    refused(database, body, batch=True)


def test_row_without_statistics_is_refused(database):
    name = database.value("SELECT current_database()")
    database.run(f"ALTER DATABASE {name} SET track_counts = off")
    pgbraid.load(FIRST).up(database.conninfo)
    refused(database, WRITES)


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO applied_migrations VALUES (NEW.id, 'x')",
        'DELETE FROM public."applied_migrations"',
        "UPDATE Applied_Migrations SET name = 'x'",
    ],
)
def test_write_by_trigger_of_earlier_migration_of_first_run_is_refused(database, write):
    migrator = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (id int);"
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN {write}; RETURN NEW; END $$;"
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "2_b.sql": "CREATE TABLE b ()",
            "3_c.sql": "INSERT INTO a VALUES (9)",
        }
    )
    with pytest.raises(MigrationFailed, match=r"writes to public\.applied_migrations"):
        migrator.up(database.conninfo)
    assert database.versions() == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        r"E'BEGIN DELETE FROM \x61pplied_migrations; RETURN NEW; END'",
        "'BEGIN DELETE FROM applied_'\n'migrations; RETURN NEW; END'",
    ],
)
def test_write_by_trigger_whose_text_hides_the_name_is_refused(database, body):
    migrator = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (id int);"
            f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS {body};"
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
            "2_b.sql": "CREATE TABLE b ()",
            "3_c.sql": "INSERT INTO a VALUES (9)",
        }
    )
    with pytest.raises(MigrationFailed, match=r"writes to public\.applied_migrations"):
        migrator.up(database.conninfo)
    assert database.versions() == [1, 2]


def test_ledger_dropped_with_its_schema_by_first_run_is_error(database):
    migrator = pgbraid.load(
        {**FIRST, "2_b.sql": "DROP SCHEMA app CASCADE"}, schema="app", settings=False
    )
    with pytest.raises(pgbraid.PgbraidError):
        migrator.up(database.conninfo)
    assert database.versions("app.applied_migrations") == [1]


def test_trigger_of_first_run_that_swallows_row_is_error(database):
    migrator = pgbraid.load(
        {
            "1_a.sql": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RETURN NULL; END $$",
            "2_b.sql": "CREATE TRIGGER t BEFORE INSERT ON applied_migrations"
            " FOR EACH ROW WHEN (NEW.version = 3) EXECUTE FUNCTION f()",
            "3_c.sql": "CREATE TABLE c ()",
        }
    )
    with pytest.raises(pgbraid.PgbraidError, match="did not accept a row"):
        migrator.up(database.conninfo)
    assert database.versions() == [1, 2]
    assert database.value("SELECT to_regclass('c')") is None


def test_reading_applied_set_is_allowed(database):
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


def test_concurrent_row_of_another_program_is_not_treated_as_run(database):
    """The lock excludes other runs, so another program inserted a row that appears under it."""
    pgbraid.load(FIRST).up(database.conninfo)

    def record_event(event):
        if type(event).__name__ == "Started" and event.step.migration.version == 3:
            database.run(WRITES)

    migrator = pgbraid.load(files("SELECT 2"))
    with pytest.raises(MigrationFailed, match="no run of pgbraid has applied it") as caught:
        migrator.up(database.conninfo, on_event=record_event)
    assert caught.value.migration.version == 3
    assert [o.migration.version for o in caught.value.applied] == [2]


def test_error_is_reported_although_migration_prunes_journal(database):
    """The versions of the run are read from the applied set if the journal lacks them."""
    migrator = pgbraid.load(
        {
            "1_a.sql": "CREATE TABLE a (i int)",
            "2_prunes.sql": "DELETE FROM applied_migrations_journal",
            "3_c.sql": "CREATE TABLE c ()",
            "4_d.sql": "CREATE TABLE d (i int PRIMARY KEY, i int)",
        }
    )
    with pytest.raises(MigrationFailed, match='column "i" specified more than once') as caught:
        migrator.up(database.conninfo)
    assert caught.value.migration.version == 4
    assert [o.migration.version for o in caught.value.applied] == [1, 2, 3]
    assert database.versions() == [1, 2, 3]
