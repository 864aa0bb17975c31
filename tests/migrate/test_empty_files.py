"""Files without a statement: refused if they are new, run if they are part of an old history."""

import pytest

import pgbraid
from pgbraid import ProblemsFound
from pgbraid.source.writing.new_migration import create_migration
from tests.fixtures.git import Repository

OLD = {
    "1_a.sql": "CREATE TABLE a ()",
    "2_b.sql": "",
    "3_c.sql": "-- no more",
    "4_d.sql": "SELECT 4",
}
NEW = {"5_e.sql": "SELECT 5", "6_f.sql": "-- later"}


def empties(problems):
    return [(p.versions[0], p.severity) for p in problems if p.code == "empty"]


def refused(migrator, database, **options):
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo, **options)
    return empties(caught.value.problems)


def test_fresh_database_replays_history_with_empty_files(database):
    report = pgbraid.load(OLD).up(database.conninfo)
    assert database.versions() == [1, 2, 3, 4]
    assert empties(report.warnings) == [(2, "warning"), (3, "warning")]


def test_history_with_applied_empty_files_continues(database):
    pgbraid.load(OLD).up(database.conninfo)
    migrator = pgbraid.load(OLD | {"5_e.sql": "SELECT 5"})
    assert migrator.up(database.conninfo).warnings == ()
    assert migrator.check(database.conninfo).ok


def test_newest_files_are_refused(database):
    pgbraid.load(OLD).up(database.conninfo)
    assert refused(pgbraid.load(OLD | NEW | {"7_g.sql": ""}), database) == [
        (6, "error"),
        (7, "error"),
    ]
    assert database.versions() == [1, 2, 3, 4]


def test_gap_is_refused(database):
    files = {"1_a.sql": "SELECT 1", "3_c.sql": "SELECT 3"}
    pgbraid.load(files).up(database.conninfo)
    assert refused(pgbraid.load(files | {"2_b.sql": "--"}), database) == [(2, "error")]


def test_newest_file_that_must_stay_empty_is_recorded_by_baseline(database):
    pgbraid.load(OLD).up(database.conninfo)
    migrator = pgbraid.load(OLD | {"5_e.sql": "-- applied elsewhere"})
    migrator.baseline(database.conninfo, only=[5])
    assert migrator.up(database.conninfo).applied == ()
    assert migrator.check(database.conninfo).ok


def test_dry_run_refuses_too_and_target_below_does_not(database):
    migrator = pgbraid.load(OLD | NEW)
    assert (6, "error") in refused(migrator, database, dry_run=True)
    assert len(migrator.up(database.conninfo, to=5).applied) == 5
    assert refused(migrator, database) == [(6, "error")]


def test_target_does_not_make_old_file_new(database):
    report = pgbraid.load(OLD).up(database.conninfo, to=3)
    assert empties(report.warnings) == [(2, "warning"), (3, "warning")]


def test_large_file_counts_as_later_statement():
    large = "-- x\n" * 300_000
    files = {"1_a.sql": "", "2_b.sql": f"{large}SELECT 1"}
    assert empties(pgbraid.load(files).check_files().problems) == [(1, "warning")]
    files = {"1_a.sql": "SELECT 1", "2_b.sql": large}
    assert empties(pgbraid.load(files).check_files().problems) == [(2, "error")]


def test_proof_of_history_ignores_empty_files(database, server):
    files = {"1_a.sql": "CREATE TABLE a ()", "2_b.sql": "--"}
    migrator = pgbraid.load(files, scratch_url=server)
    assert migrator.prove(history=[2, 1]).ok


def test_branch_that_adds_empty_file_fails_check_and_merged_one_does_not(tmp_path):
    repository = Repository(tmp_path / "project")
    repository.on("main")
    repository.write("104_w.sql", "")
    repository.commit()
    repository.on("feature")
    repository.write("105_x.sql", "-- later")
    repository.write("106_y.sql", "SELECT 6")
    assert empties(repository.check().problems) == [(105, "error")]
    repository.remove("105_x.sql")
    repository.remove("106_y.sql")
    repository.write("104_w.sql", "")
    assert empties(repository.check().problems) == [(104, "warning")]


@pytest.mark.parametrize("paired", [False, True])
def test_template_is_comment_only_and_has_no_active_directive(tmp_path, paired):
    (tmp_path / ("1_a.up.sql" if paired else "1_a.sql")).write_text("SELECT 1")
    made = create_migration(str(tmp_path), "Add email", numbering="sequential")
    assert len(made.files) == 1 + paired
    migrations = pgbraid.load(tmp_path, settings=False).migrations
    assert migrations.get(2).directives == type(migrations.get(2).directives)()
    check = pgbraid.load(tmp_path, settings=False).check_files()
    assert [(p.code, p.versions) for p in check.problems] == [("empty", (2,))]
    for path in made.files:
        path.write_text(path.read_text() + "SELECT 2;\n")
    assert pgbraid.load(tmp_path, settings=False).check_files().problems == ()


def test_each_example_of_template_is_valid_directive(tmp_path):
    made = create_migration(str(tmp_path), "a", numbering="sequential").files[0]
    examples = [line[3:] for line in made.read_text().splitlines() if line.startswith("-- -- ")]
    assert len(examples) == 6
    for example in examples:
        made.write_text(f"{example}\nSELECT 1;\n")
        assert pgbraid.load(tmp_path, settings=False).check_files().problems == ()
