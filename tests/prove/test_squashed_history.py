"""drift and prove of databases whose files were squashed since."""

import pytest

import pgbraid
from pgbraid.model.proof import Verdict

OLD = {"101_t.sql": "CREATE TABLE t (id int);", "102_u.sql": "CREATE TABLE u (id int);"}
BASELINE = {
    "102_baseline.sql": "-- pgbraid: replaces=101,102\nCREATE TABLE t (id int);"
    "CREATE TABLE u (id int);"
}
VIEW = {"104_view.sql": "CREATE VIEW v AS SELECT * FROM t;"}
GAP = {"103_add.sql": "ALTER TABLE t ADD c int;"}
HARMLESS = {"103_other.sql": "CREATE TABLE other (id int);"}
SECOND = {
    "104_second.sql": "-- pgbraid: replaces=101,104,102_baseline\nCREATE TABLE t (id int);"
    "CREATE TABLE u (id int); CREATE VIEW v AS SELECT * FROM t;"
}


@pytest.fixture
def load(server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)

    def loaded(*parts, **options):
        files = {name: text for part in parts for name, text in part.items()}
        return pgbraid.load(files, settings=False, **options)

    return loaded


def labels(migrations):
    return [migration.label for migration in migrations]


def test_drift_replays_baseline_in_place_of_old_migrations(load, database):
    load(OLD, VIEW).up(database.conninfo)
    database.as_made()
    report = load(BASELINE, VIEW).drift(database.conninfo)
    assert (report.differences, report.replayed) == ((), 2)
    assert report.notes == ("102_baseline stands for the 2 migrations that it replaces",)
    database.run("ALTER TABLE u ADD by_hand int")
    (difference,) = load(BASELINE, VIEW).drift(database.conninfo).differences
    assert difference.name == "column public.u.by_hand"


def test_drift_of_database_that_ran_baseline_has_no_note(load, database):
    load(BASELINE, VIEW).up(database.conninfo)
    database.as_made()
    report = load(BASELINE, VIEW).drift(database.conninfo)
    assert (report.differences, report.notes) == ((), ())


def test_drift_of_part_of_replaced_versions_replays_recorded_texts(load, database):
    load(dict([*OLD.items()][:1])).up(database.conninfo)
    database.as_made()
    report = load(BASELINE, VIEW).drift(database.conninfo)
    assert (report.differences, report.replayed) == ((), 1)


def test_undone_migration_below_baseline_is_not_replayed(load, database):
    down = {"102_u.down.sql": "DROP TABLE u;"}
    load(OLD, down).up(database.conninfo)
    load(OLD, down).undo(database.conninfo, 102)
    load(OLD, down, VIEW).up(database.conninfo)
    database.as_made()
    report = load(BASELINE, VIEW).drift(database.conninfo)
    assert (report.differences, report.replayed) == ((), 2)


@pytest.mark.parametrize(
    ("gap", "verdict"), [(GAP, Verdict.DIFFERENT), (HARMLESS, Verdict.SAME)], ids=["gap", "other"]
)
def test_gap_above_baseline_is_proven_on_database_with_old_rows(load, database, gap, verdict):
    load(OLD, VIEW).up(database.conninfo)
    proof = load(BASELINE, VIEW, gap).prove(database.conninfo)
    assert proof.verdict is verdict
    assert labels(proof.recorded_order)[:2] == ["102_baseline", "104_view"]


def test_migration_that_ran_between_replaced_ones_is_noted(load, database):
    load({"101_t.sql": OLD["101_t.sql"]}, VIEW).up(database.conninfo)
    load(OLD, VIEW).up(database.conninfo)
    proof = load(BASELINE, VIEW).prove(database.conninfo)
    assert labels(proof.recorded_order) == ["102_baseline", "104_view"]
    assert proof.notes[1].startswith(
        "version 104 ran between migrations that 102_baseline replaces"
    )


def test_part_of_replaced_versions_is_not_proven(load, database):
    load(dict([*OLD.items()][:1])).up(database.conninfo)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(BASELINE, VIEW).prove(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["squash_incomplete"]


@pytest.mark.parametrize(
    ("history", "files", "order"),
    [
        ([101, 102, 104], (BASELINE, VIEW), ["102_baseline", "104_view"]),
        ([102, 104], (BASELINE, VIEW), ["102_baseline", "104_view"]),
        ([101, 104, 102], (BASELINE, VIEW, GAP), ["102_baseline", "104_view", "103_add"]),
        ([101, 102, 104], (SECOND,), ["104_second"]),
        ([102, 104], (SECOND,), ["104_second"]),
    ],
)
def test_listed_history_has_baseline_in_place_of_replaced(load, history, files, order):
    assert labels(load(*files).prove(history=history).recorded_order) == order


@pytest.mark.parametrize(
    ("history", "files"),
    [([101, 104], (BASELINE, VIEW)), ([101, 102], (SECOND,)), ([102], (SECOND,))],
)
def test_listed_part_of_replaced_versions_is_refused(load, history, files):
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        load(*files).prove(history=history)
    assert [problem.code for problem in caught.value.problems] == ["squash_incomplete"]


def test_gap_policy_applies_gap_that_commutes_with_later_ones(load, database):
    load(OLD, VIEW).up(database.conninfo)
    report = load(BASELINE, VIEW, HARMLESS, gaps="prove").up(database.conninfo)
    assert labels(o.migration for o in report.applied) == ["103_other"]


def test_gap_policy_refuses_gap_that_does_not_commute(load, database):
    load(OLD, VIEW).up(database.conninfo)
    with pytest.raises(pgbraid.NotProven):
        load(BASELINE, VIEW, GAP, gaps="prove").up(database.conninfo)
