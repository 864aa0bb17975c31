"""A ledger table that refuses or changes a row is named, and nothing is recorded partly.

`python -m chaos --only R10` found these states.
"""

import pytest

import pgbraid
from pgbraid import MigrationFailed, PgbraidError, ServerError

FIRST = {"1_a.sql": "CREATE TABLE a (i int)"}
FILES = {**FIRST, "2_row.sql": "INSERT INTO a VALUES (1)"}
ALONE = {**FIRST, "2_row.sql": "-- pgbraid: no-transaction\nINSERT INTO a VALUES (1)"}
JOURNAL = "applied_migrations_journal"
TRIGGER = (
    "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} END$$;"
    f"CREATE TRIGGER t BEFORE INSERT ON {JOURNAL} FOR EACH ROW EXECUTE FUNCTION t()"
)
CHANGES = {
    "version": "NEW.version := NEW.version + 1000; RETURN NEW;",
    "event": "NEW.event := 'other'; RETURN NEW;",
    "id": "NEW.id := 0 - NEW.id; RETURN NEW;",
    "swallowed": "RETURN NULL;",
}
REFUSALS = {
    "rule": f"CREATE RULE r AS ON INSERT TO {JOURNAL} DO INSTEAD NOTHING",
    "ids that are there": f"ALTER TABLE {JOURNAL} ALTER id SET INCREMENT BY -1",
    "ids that count down": f"ALTER TABLE {JOURNAL} ALTER id SET INCREMENT BY -1;"
    f"DELETE FROM {JOURNAL} WHERE event = 'created'",
    "ids at their end": f"ALTER TABLE {JOURNAL} ALTER id RESTART WITH 9223372036854775807;"
    f"INSERT INTO {JOURNAL} (run_id, event) VALUES (gen_random_uuid(), 'x')",
}
SHAPES = {
    "no event": f"ALTER TABLE {JOURNAL} DROP COLUMN event",
    "no detail": f"ALTER TABLE {JOURNAL} DROP COLUMN detail",
    "no version": f"ALTER TABLE {JOURNAL} DROP COLUMN version",
    "no identity": f"ALTER TABLE {JOURNAL} ALTER id DROP IDENTITY",
}


def rows_of_a(database):
    return database.value("SELECT count(*) FROM a")


@pytest.mark.parametrize("files", [FILES, ALONE], ids=["in a transaction", "outside"])
@pytest.mark.parametrize("body", CHANGES.values(), ids=CHANGES)
def test_journal_row_changed_by_trigger_lets_no_statement_commit(database, files, body):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run(TRIGGER.format(body=body))
    for _ in range(2):
        with pytest.raises(PgbraidError) as caught:
            pgbraid.load(files).up(database.conninfo)
        assert f"{JOURNAL} did not accept a line" in caught.value.message
        assert "trigger" in caught.value.hint
    assert rows_of_a(database) == 0
    database.run(f"DROP TRIGGER t ON {JOURNAL}")
    pgbraid.load(files).up(database.conninfo)
    assert rows_of_a(database) == 1


@pytest.mark.parametrize("ddl", REFUSALS.values(), ids=REFUSALS)
def test_journal_that_refuses_row_is_named(database, ddl):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run(ddl)
    with pytest.raises(ServerError) as caught:
        pgbraid.load(FILES).up(database.conninfo)
    assert caught.value.message.startswith(f"public.{JOURNAL} did not accept a line")
    assert f'ALTER TABLE "public"."{JOURNAL}" ALTER id SET INCREMENT BY 1' in caught.value.hint
    assert "`pgbraid up`" in caught.value.hint
    assert rows_of_a(database) == 0


def test_hint_repairs_journal_with_descending_ids(database):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run(f"ALTER TABLE {JOURNAL} ALTER id SET INCREMENT BY -1")
    with pytest.raises(ServerError) as caught:
        pgbraid.load(FILES).up(database.conninfo)
    database.run(caught.value.hint.partition("run: ")[2].partition(";")[0])
    pgbraid.load(FILES).up(database.conninfo)
    assert rows_of_a(database) == 1


def test_rule_on_applied_set_is_named(database):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run("CREATE RULE r AS ON INSERT TO applied_migrations DO INSTEAD NOTHING")
    with pytest.raises(ServerError) as caught:
        pgbraid.load(FILES).up(database.conninfo)
    assert caught.value.message.startswith("public.applied_migrations did not accept a row")
    assert "rule" in caught.value.hint


def test_journal_that_refuses_line_of_statement_is_named_with_way_out(database):
    """The hint to resume the migration would lead back to the same error."""
    alone = {**FIRST, "2_row.sql": "-- pgbraid: no-transaction\nVACUUM a"}
    pgbraid.load(FIRST).up(database.conninfo)
    refused = "IF NEW.event = 'statement_started' THEN RETURN NULL; END IF; RETURN NEW;"
    database.run(TRIGGER.format(body=refused))
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load(alone).up(database.conninfo)
    assert "did not accept a line" in caught.value.message
    assert caught.value.hint.startswith("Drop the trigger or the rule")
    database.run(f"DROP TRIGGER t ON {JOURNAL}")
    pgbraid.load(alone).up(database.conninfo)
    assert database.versions() == [1, 2]


def test_repair_names_applied_set_whose_trigger_changes_versions(database):
    pgbraid.load(FILES).up(database.conninfo)
    database.run(
        "INSERT INTO applied_migrations (version, name) VALUES (1001, 'x');"
        "DELETE FROM applied_migrations WHERE version = 1;"
        + TRIGGER.format(body=CHANGES["version"]).replace(JOURNAL, "applied_migrations")
    )
    with pytest.raises(ServerError) as caught:
        pgbraid.load(FILES).reconcile(database.conninfo, trust="journal")
    assert caught.value.message == "public.applied_migrations did not accept a row"
    assert "duplicate key" in caught.value.detail
    assert caught.value.hint.startswith("Look at public.applied_migrations with psql's \\d.")


@pytest.mark.parametrize("command", ["up", "check", "status", "plan"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE applied_migrations SET checksum = repeat('0', 64)", "journal lacks a column"),
        ("DELETE FROM applied_migrations WHERE version = 1", "is not a journal of pgbraid"),
    ],
)
def test_column_that_journal_lacks_is_reported_in_own_words(database, change, message, command):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    database.run(f"{change}; ALTER TABLE {JOURNAL} DROP COLUMN detail")
    with pytest.raises(ServerError, match=message) as caught:
        getattr(migrator, command)(database.conninfo)
    assert "RENAME TO" in caught.value.hint


@pytest.mark.parametrize("ddl", SHAPES.values(), ids=SHAPES)
def test_journal_without_its_columns_is_refused_before_anything_runs(database, ddl):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run(ddl)
    with pytest.raises(ServerError) as caught:
        pgbraid.load(FILES).up(database.conninfo)
    assert caught.value.message == f"public.{JOURNAL} is not a journal of pgbraid"
    assert "`pgbraid up`" in caught.value.hint
    assert rows_of_a(database) == 0


def test_check_fails_beside_unknown_journal(database):
    migrator = pgbraid.load(FIRST)
    migrator.up(database.conninfo)
    database.run(SHAPES["no event"])
    with pytest.raises(ServerError, match="is not a journal of pgbraid"):
        migrator.check(database.conninfo)
    database.run(f"ALTER TABLE {JOURNAL} RENAME TO was_journal")
    migrator.up(database.conninfo)
    assert migrator.check(database.conninfo).ok


def test_migration_that_drops_journal_is_refused(database):
    files = {**FIRST, "2_b.sql": f"ALTER TABLE {JOURNAL} RENAME TO was_journal"}
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load(files).up(database.conninfo)
    assert "Remove" in caught.value.hint
    assert "`pgbraid up`" in caught.value.hint


def test_lost_applied_set_is_not_recreated_beside_unreadable_journal(database, role):
    pgbraid.load(FILES).up(database.conninfo)
    database.run(
        f"DROP TABLE applied_migrations; GRANT INSERT ON {JOURNAL} TO {role};"
        f"GRANT CREATE ON SCHEMA public TO {role}; ALTER TABLE a OWNER TO {role}"
    )
    with pytest.raises(PgbraidError) as caught:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(database.as_role(role))
    assert JOURNAL in f"{caught.value.message} {caught.value.detail}"
    assert "GRANT SELECT" in caught.value.hint
    assert database.value("SELECT to_regclass('public.applied_migrations') IS NULL")


WRITERS = {
    "deferred trigger": "CREATE CONSTRAINT TRIGGER w AFTER INSERT ON applied_migrations_journal"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION w()",
    "trigger": "CREATE TRIGGER w AFTER INSERT ON applied_migrations_journal"
    " FOR EACH ROW EXECUTE FUNCTION w()",
}


@pytest.mark.parametrize("batch", [False, True], ids=["one by one", "together"])
@pytest.mark.parametrize("ddl", WRITERS.values(), ids=WRITERS)
def test_row_added_by_journal_trigger_is_reported_in_same_run(database, ddl, batch):
    function = (
        "CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO"
        " public.applied_migrations (version, name) VALUES (9, 'x') ON CONFLICT DO NOTHING;"
        " RETURN NEW; END $$;"
    )
    migrator = pgbraid.load({**FIRST, "2_b.sql": function + ddl})
    with pytest.raises(PgbraidError, match="version 9 now, but no run of pgbraid has applied it"):
        migrator.up(database.conninfo, batch=batch)
    assert database.value("SELECT array_agg(version ORDER BY 1) FROM applied_migrations") == [
        1,
        2,
        9,
    ]


def test_rows_of_another_run_are_no_strays(database):
    migrator = pgbraid.load(FIRST)
    migrator.up(database.conninfo)
    both = pgbraid.load({**FIRST, "2_b.sql": "SELECT 1", "3_c.sql": "SELECT 1"})
    assert [o.migration.version for o in both.up(database.conninfo, to=2).applied] == [2]
    assert [o.migration.version for o in both.up(database.conninfo).applied] == [3]


@pytest.mark.parametrize("table", ["applied_migrations", JOURNAL])
def test_table_whose_rows_would_be_hidden_is_named(database, role, table):
    migrator = pgbraid.load(FIRST)
    migrator.up(database.conninfo)
    database.run(
        f"GRANT SELECT ON applied_migrations, {JOURNAL} TO {role};"
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    )
    with pytest.raises(ServerError, match="row-level security would hide rows") as caught:
        migrator.check(database.as_role(role))
    assert "DISABLE ROW LEVEL SECURITY" in caught.value.hint
    database.run(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    assert migrator.check(database.as_role(role)).ok


def test_duplicate_version_in_applied_set_is_named(database):
    pgbraid.load(FIRST).up(database.conninfo)
    database.run(
        "CREATE TABLE child () INHERITS (applied_migrations);"
        "INSERT INTO child SELECT * FROM ONLY applied_migrations"
    )
    migrator = pgbraid.load({"1_a.sql": "CREATE TABLE a (i bigint)"})
    with pytest.raises(ServerError, match="has 2 rows of version 1") as caught:
        migrator.repair(database.conninfo, [1])
    assert "Delete all but one" in caught.value.hint
    database.run("DELETE FROM child")
    migrator.repair(database.conninfo, [1])
    assert migrator.check(database.conninfo).ok


@pytest.mark.parametrize(
    "body", [CHANGES["version"], CHANGES["swallowed"]], ids=["changed", "gone"]
)
def test_row_that_trigger_changes_is_neither_baselined_nor_restored(database, body):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 2")
    database.run(TRIGGER.format(body=body).replace(f"ON {JOURNAL}", "ON applied_migrations"))
    with pytest.raises(ServerError, match="applied_migrations did not accept a row"):
        migrator.reconcile(database.conninfo, trust="journal")
    more = pgbraid.load({**FIRST, "3_c.sql": "SELECT 1"})
    database.run(f"DELETE FROM {JOURNAL} WHERE version = 2")
    with pytest.raises(ServerError, match="applied_migrations did not accept a row"):
        more.baseline(database.conninfo, 3)
    assert database.rows("SELECT version FROM applied_migrations") == [(1,)]
