"""The applied set and the journal agree, or nothing runs until a person decides."""

import pytest

import pgbraid
from pgbraid import ConfigError, MigrationFailed, ProblemsFound, ServerError

FILES = {
    "1_a.sql": "CREATE TABLE a (i int)",
    "2_row.sql": "INSERT INTO a VALUES (1)",
    "3_c.sql": "CREATE TABLE c ()",
}
INCOMPLETE = {
    "1_a.sql": "CREATE TABLE a (i int)",
    "2_rows.sql": "-- pgbraid: no-transaction\nINSERT INTO a VALUES (1);\n"
    "INSERT INTO b VALUES (1);\n",
}
LOSSES = {
    "one row deleted": "DELETE FROM applied_migrations WHERE version = 2",
    "all rows deleted": "DELETE FROM applied_migrations",
    "the applied set truncated": "TRUNCATE applied_migrations",
    "the applied set dropped": "DROP TABLE applied_migrations",
    "an older copy restored": "DELETE FROM applied_migrations WHERE version >= 2",
}


def codes(caught):
    return [problem.code for problem in caught.value.problems]


def rows_of_a(database):
    return database.value("SELECT count(*) FROM a")


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_applied_set_that_lost_rows_stops_every_command_and_is_restored(database, loss):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    rows = database.rows("SELECT version, name, checksum, applied_at FROM applied_migrations")
    database.run(loss)
    for command in (migrator.up, lambda url: migrator.up(url, dry_run=True)):
        with pytest.raises(ProblemsFound) as caught:
            command(database.conninfo)
        assert codes(caught) == ["applied_rows_missing"]
        assert 2 in caught.value.problems[0].versions
        assert "`pgbraid repair --trust journal`" in caught.value.problems[0].hint
    assert [p.code for p in migrator.plan(database.conninfo).errors] == ["applied_rows_missing"]
    assert "applied_rows_missing" in [p.code for p in migrator.check(database.conninfo).problems]
    assert not migrator.check(database.conninfo).ok
    assert rows_of_a(database) == 1
    disagreement = migrator.reconcile(database.conninfo, trust="journal")
    assert 2 in [m.version for m in disagreement.missing]
    restored = database.rows("SELECT version, name, checksum FROM applied_migrations ORDER BY 1")
    assert restored == [row[:3] for row in rows]
    moved = database.rows("SELECT version, applied_at FROM applied_migrations ORDER BY 1")
    for (_, at), row in zip(moved, rows, strict=True):
        assert abs((at - row[3]).total_seconds()) < 60
    assert migrator.check(database.conninfo).ok
    assert migrator.up(database.conninfo).applied == ()


def test_lost_version_without_file_fails_check(database):
    pgbraid.load(FILES).up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 3")
    older = pgbraid.load({name: text for name, text in FILES.items() if name != "3_c.sql"})
    assert [p.code for p in older.check(database.conninfo).problems] == ["applied_rows_missing"]
    with pytest.raises(ProblemsFound):
        older.up(database.conninfo)


def test_trust_in_applied_set_runs_lost_version_again(database):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 2")
    disagreement = migrator.reconcile(database.conninfo, [2], trust="applied_set")
    assert [(m.version, m.name) for m in disagreement.missing] == [(2, "row")]
    assert [o.migration.version for o in migrator.up(database.conninfo).applied] == [2]
    assert rows_of_a(database) == 2
    assert migrator.check(database.conninfo).ok
    assert database.events()[3:] == [("unadopted", 2), ("applied", 2)]


def test_undone_version_in_applied_set_stops_run(database):
    files = {**FILES, "3_c.down.sql": "DROP TABLE c"}
    migrator = pgbraid.load(files)
    migrator.up(database.conninfo)
    row = database.rows("SELECT * FROM applied_migrations WHERE version = 3")[0]
    migrator.undo(database.conninfo, 3)
    assert migrator.check(database.conninfo).problems[0].code == "pending"
    database.rows("INSERT INTO applied_migrations VALUES (%s, %s, %s, %s)", *row)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    assert codes(caught) == ["applied_rows_outdated"]
    assert not migrator.check(database.conninfo).ok
    migrator.reconcile(database.conninfo, trust="journal")
    assert database.versions() == [1, 2]
    assert [o.migration.version for o in migrator.up(database.conninfo).applied] == [3]
    assert migrator.check(database.conninfo).ok


def test_trust_in_applied_set_keeps_undone_version(database):
    files = {**FILES, "3_c.down.sql": "DROP TABLE c"}
    migrator = pgbraid.load(files)
    migrator.up(database.conninfo)
    row = database.rows("SELECT * FROM applied_migrations WHERE version = 3")[0]
    migrator.undo(database.conninfo, 3)
    database.rows("INSERT INTO applied_migrations VALUES (%s, %s, %s, %s)", *row)
    assert [
        m.version for m in migrator.reconcile(database.conninfo, trust="applied_set").outdated
    ] == [3]
    assert migrator.check(database.conninfo).ok


def test_undo_is_refused_while_applied_set_and_journal_disagree(database):
    migrator = pgbraid.load({**FILES, "1_a.down.sql": "DROP TABLE a"})
    migrator.up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 2")
    with pytest.raises(ProblemsFound) as caught:
        migrator.undo(database.conninfo, 1)
    assert codes(caught) == ["applied_rows_missing"]


def test_version_on_which_both_agree_is_not_repaired(database):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    with pytest.raises(ConfigError, match="agree on 2"):
        migrator.reconcile(database.conninfo, [2], trust="journal")
    disagreement = migrator.reconcile(database.conninfo, trust="journal")
    assert (disagreement.missing, disagreement.outdated) == ((), ())


@pytest.mark.parametrize(
    "loss",
    [
        "TRUNCATE applied_migrations, applied_migrations_journal",
        "TRUNCATE applied_migrations; DROP TABLE applied_migrations_journal",
        "DROP TABLE applied_migrations; DELETE FROM applied_migrations_journal",
        "DELETE FROM applied_migrations; TRUNCATE applied_migrations_journal RESTART IDENTITY",
    ],
)
def test_empty_applied_set_beside_silent_journal_is_refused(database, loss):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    database.run(loss)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    assert codes(caught) == ["ledger_emptied"]
    assert not migrator.check(database.conninfo).ok
    assert [m.version for m in migrator.baseline(database.conninfo, 3).migrations] == [1, 2, 3]
    assert migrator.check(database.conninfo).ok
    assert rows_of_a(database) == 1


MADE = (
    "CREATE TABLE applied_migrations (version bigint PRIMARY KEY, name text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now(), checksum text)"
)


def test_empty_applied_set_made_in_advance_is_accepted(database):
    database.run(MADE)
    assert len(pgbraid.load(FILES).up(database.conninfo).applied) == 3


def test_empty_applied_set_of_restore_without_data_is_accepted(database):
    pgbraid.load(FILES).up(database.conninfo)
    for table in ("applied_migrations_journal", "applied_migrations"):
        database.run(
            f"CREATE TABLE copy (LIKE {table} INCLUDING ALL); DROP TABLE {table};"
            f" ALTER TABLE copy RENAME TO {table}"
        )
    database.run("DROP TABLE a, c")
    assert len(pgbraid.load(FILES).up(database.conninfo).applied) == 3


def test_emptied_applied_set_is_accepted_with_option(database):
    database.run(MADE)
    database.run("INSERT INTO applied_migrations VALUES (1, 'a'); DELETE FROM applied_migrations")
    migrator = pgbraid.load(FILES)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    assert codes(caught) == ["ledger_emptied"]
    migrator.reconcile(database.conninfo, trust="applied_set")
    assert len(migrator.up(database.conninfo).applied) == 3


def test_failed_first_run_is_not_treated_as_emptied(database):
    with pytest.raises(MigrationFailed):
        pgbraid.load({"1_a.sql": "nonsense"}).up(database.conninfo)
    database.run("DELETE FROM applied_migrations_journal WHERE event = 'failed'")
    assert len(pgbraid.load(FILES).up(database.conninfo).applied) == 3


def test_run_that_recreates_journal_names_its_loss(database):
    pgbraid.load(FILES).up(database.conninfo)
    database.run("DROP TABLE applied_migrations_journal")
    report = pgbraid.load({**FILES, "4_d.sql": "CREATE TABLE d ()"}).up(database.conninfo)
    assert [p.code for p in report.warnings] == ["journal_missing"]
    assert database.events() == [("applied", 4)]


@pytest.fixture
def incomplete(database):
    """A database in which version 2 is incomplete: its first statement ran."""
    with pytest.raises(MigrationFailed):
        pgbraid.load(INCOMPLETE).up(database.conninfo)
    database.run("CREATE TABLE b (i int)")
    return database


@pytest.mark.parametrize(
    "loss",
    [
        "DROP TABLE applied_migrations_journal",
        "TRUNCATE applied_migrations_journal",
        "DELETE FROM applied_migrations_journal WHERE version = 2",
    ],
)
def test_incomplete_migration_without_journal_rows_is_not_restarted(incomplete, loss):
    incomplete.run(loss)
    migrator = pgbraid.load(INCOMPLETE)
    for _ in range(2):
        with pytest.raises(ProblemsFound) as caught:
            migrator.up(incomplete.conninfo)
        assert codes(caught) == ["incomplete_lost"]
        assert "`pgbraid resume 2 --forget`" in caught.value.problems[0].hint
    assert rows_of_a(incomplete) == 1
    incomplete.run("DELETE FROM a")
    assert migrator.resume(incomplete.conninfo, 2, how="forget").forgotten.version == 2
    assert len(migrator.up(incomplete.conninfo).applied) == 1
    assert rows_of_a(incomplete) == 1
    assert incomplete.value("SELECT obj_description('applied_migrations'::regclass)") is None


def test_only_owner_can_forget_incomplete_migration_in_comment(incomplete, role):
    incomplete.run("DELETE FROM applied_migrations_journal WHERE version = 2")
    incomplete.run(f"GRANT ALL ON applied_migrations, applied_migrations_journal TO {role}")
    limited = incomplete.as_role(role)
    migrator = pgbraid.load(INCOMPLETE)
    with pytest.raises(ServerError, match="only the owner of public") as caught:
        migrator.resume(limited, 2, how="forget")
    assert "`pgbraid resume 2 --forget` as the owner" in caught.value.hint
    assert (
        incomplete.value("SELECT count(*) FROM applied_migrations_journal WHERE version = 2") == 0
    )
    assert migrator.resume(incomplete.conninfo, 2, how="forget").forgotten.version == 2


def test_comment_of_incomplete_migration_keeps_other_text(database):
    pgbraid.load({"1_a.sql": INCOMPLETE["1_a.sql"]}).up(database.conninfo)
    database.run("COMMENT ON TABLE applied_migrations IS 'ours; do not touch'")
    with pytest.raises(MigrationFailed):
        pgbraid.load(INCOMPLETE).up(database.conninfo)
    message = database.value("SELECT obj_description('applied_migrations'::regclass)")
    assert message == "ours; do not touch\nIncomplete non-transactional migrations: 2."
    database.run("CREATE TABLE b (i int)")
    pgbraid.load(INCOMPLETE).up(database.conninfo)
    message = database.value("SELECT obj_description('applied_migrations'::regclass)")
    assert message == "ours; do not touch"


def test_incomplete_migration_can_be_recorded_by_hand(incomplete):
    incomplete.run(
        "DELETE FROM applied_migrations_journal WHERE version = 2; INSERT INTO b VALUES (1)"
    )
    migrator = pgbraid.load(INCOMPLETE)
    assert [m.version for m in migrator.baseline(incomplete.conninfo, only=[2]).migrations] == [2]
    assert migrator.check(incomplete.conninfo).ok
    assert incomplete.value("SELECT obj_description('applied_migrations'::regclass)") is None


def test_undo_is_refused_while_migration_is_incomplete(incomplete):
    migrator = pgbraid.load({**INCOMPLETE, "1_a.down.sql": "DROP TABLE a"})
    with pytest.raises(ConfigError, match=r"2 \(rows\) is incomplete") as caught:
        migrator.undo(incomplete.conninfo, 1)
    assert "`pgbraid resume 2`" in caught.value.hint
    assert rows_of_a(incomplete) == 1


def test_statements_run_once_where_new_ids_of_journal_would_be_below_old(incomplete):
    sequence = incomplete.value("SELECT pg_get_serial_sequence('applied_migrations_journal', 'id')")
    incomplete.run("DELETE FROM applied_migrations_journal WHERE version < 2")
    incomplete.run(f"SELECT setval('{sequence}', 1, false)")
    assert len(pgbraid.load(INCOMPLETE).up(incomplete.conninfo).applied) == 1
    assert rows_of_a(incomplete) == 1
    assert incomplete.value("SELECT count(*) FROM b") == 1


def test_incomplete_migration_is_forgotten_with_lower_new_ids(incomplete):
    sequence = incomplete.value("SELECT pg_get_serial_sequence('applied_migrations_journal', 'id')")
    incomplete.run(f"SELECT setval('{sequence}', 1, false)")
    incomplete.run("DELETE FROM applied_migrations_journal WHERE version < 2")
    migrator = pgbraid.load(INCOMPLETE)
    migrator.resume(incomplete.conninfo, 2, how="forget")
    assert incomplete.events()[-1] == ("incomplete_forgotten", 2)
    assert migrator.check(incomplete.conninfo).problems[0].code == "pending"


def test_statement_whose_line_cannot_be_read_back_ends_run(incomplete):
    incomplete.run("INSERT INTO applied_migrations VALUES (0, 'x', now(), NULL)")
    incomplete.run(
        "CREATE FUNCTION prune() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " DELETE FROM public.applied_migrations_journal"
        " WHERE id = new.id AND event = 'statement_done';"
        " RETURN new; END $$"
    )
    incomplete.run(
        "CREATE TRIGGER prune AFTER INSERT ON applied_migrations_journal"
        " FOR EACH ROW EXECUTE FUNCTION prune()"
    )
    with pytest.raises(MigrationFailed, match="cannot be read back"):
        pgbraid.load(INCOMPLETE).up(incomplete.conninfo)
    assert incomplete.value("SELECT count(*) FROM b") == 1


def test_proof_and_drift_refuse_applied_set_that_lost_rows(database):
    migrator = pgbraid.load(FILES)
    migrator.up(database.conninfo)
    database.run("DELETE FROM applied_migrations WHERE version = 2")
    for verb in (migrator.prove, migrator.drift):
        with pytest.raises(ProblemsFound) as caught:
            verb(database.conninfo)
        assert codes(caught) == ["applied_rows_missing"]


def test_mark_of_migration_that_ended_since_is_no_lost_line(incomplete):
    """Only the table's owner can remove the mark; another role completed the migration."""
    files = {**INCOMPLETE, "2_rows.down.sql": "DELETE FROM a; DELETE FROM b"}
    migrator = pgbraid.load(files)
    migrator.up(incomplete.conninfo)
    mark = "Incomplete non-transactional migrations: 2."
    incomplete.run(f"COMMENT ON TABLE applied_migrations IS '{mark}'")
    migrator.undo(incomplete.conninfo, 2)
    assert migrator.plan(incomplete.conninfo).errors == ()


def test_role_without_journal_may_check_empty_applied_set(database, role):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1 / 0"})
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    problems = migrator.check(database.as_role(role)).problems
    assert "pending" in [problem.code for problem in problems]
