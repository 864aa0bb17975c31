import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.results import ModificationKind, State

BEFORE = {"1_a.sql": "CREATE TABLE a (id int);\n", "2_b.sql": "SELECT 2;\n"}


@pytest.fixture
def applied(database):
    pgbraid.load(BEFORE).up(database.conninfo)
    return database


def now(text, **options):
    return pgbraid.load(BEFORE | {"1_a.sql": text}, **options)


@pytest.mark.parametrize(
    "text", ["CREATE TABLE a (id int);\r\n", "\ufeffCREATE TABLE a (id int);\n"]
)
def test_line_ends_and_mark_are_no_drift(applied, text):
    check = now(text).check(applied.conninfo)
    assert (check.ok, check.problems) == (True, ())


def test_mixed_line_ends_are_no_drift_by_journals_text(database):
    pgbraid.load({"1_a.sql": "SELECT 1;\r\nSELECT 2;\n"}).up(database.conninfo)
    check = pgbraid.load({"1_a.sql": "SELECT 1;\nSELECT 2;\n"}).check(database.conninfo)
    assert check.problems == ()


def test_change_of_comments_is_warning(applied):
    report = now("-- the first\nCREATE TABLE a (id int);\n").up(applied.conninfo)
    (problem,) = report.warnings
    assert problem.code == "modified_comments"
    assert "+-- the first" in problem.diff


def test_change_of_meaning_stops_run_and_shows_diff(applied):
    with pytest.raises(ProblemsFound) as caught:
        now("CREATE TABLE a (id bigint);\n").up(applied.conninfo)
    (problem,) = caught.value.problems
    assert problem.code == "modified"
    assert "-CREATE TABLE a (id int);" in problem.diff
    assert "+CREATE TABLE a (id bigint);" in problem.diff
    assert "pgbraid repair 1" in problem.hint


def test_without_text_change_counts_as_one_of_meaning(applied):
    applied.run("UPDATE applied_migrations_journal SET statement = NULL")
    migrator = now("CREATE TABLE a (id int); -- x\n")
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(applied.conninfo)
    assert "does not have the text that ran" in caught.value.problems[0].detail
    applied.run("DROP TABLE applied_migrations_journal")
    with pytest.raises(ProblemsFound):
        migrator.up(applied.conninfo)


def test_text_of_another_checksum_in_journal_is_not_believed(applied):
    applied.run("UPDATE applied_migrations SET checksum = repeat('a', 64) WHERE version = 1")
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(BEFORE).up(applied.conninfo)
    assert "does not have the text" in caught.value.problems[0].detail


@pytest.mark.parametrize(("verify", "codes"), [("off", []), ("warn", ["modified"])])
def test_setting_verify_softens_errors(applied, verify, codes):
    report = now("SELECT 1", verify=verify).up(applied.conninfo)
    assert [p.code for p in report.warnings] == codes


def test_status_shows_modified_file_and_check_fails(applied):
    migrator = now("SELECT 1")
    assert [row.state for row in migrator.status(applied.conninfo).rows] == [
        State.MODIFIED,
        State.APPLIED,
    ]
    assert [p.code for p in migrator.check(applied.conninfo).problems] == ["modified"]


def test_repair_accepts_file_and_keeps_old_text_in_journal(applied):
    migrator = now("CREATE TABLE a (id bigint);\n")
    repair = migrator.repair(applied.conninfo, [1, 2])
    assert [(r.migration.version, r.kind) for r in repair.repaired] == [
        (1, ModificationKind.MEANING)
    ]
    assert [m.version for m in repair.unchanged] == [2]
    assert migrator.check(applied.conninfo).ok
    assert applied.events() == [("applied", 1), ("applied", 2), ("repaired", 1)]
    old, new = (
        pgbraid.load(f).migrations.get(1).checksum
        for f in (BEFORE, {"1_a.sql": "CREATE TABLE a (id bigint);\n"})
    )
    assert applied.rows(
        "SELECT checksum, statement, detail FROM applied_migrations_journal WHERE event ="
        " 'repaired'"
    ) == [(new, "CREATE TABLE a (id bigint);\n", {"old_checksum": old, "change": "meaning"})]


def test_change_after_repair_is_compared_with_accepted_text(applied):
    now("SELECT 1;").repair(applied.conninfo, [1])
    (problem,) = now("SELECT 1; -- x").check(applied.conninfo).problems
    assert problem.code == "modified_comments"


def test_repair_accepts_many_files_in_one_call(database):
    before = {f"{n}_m.sql": f"SELECT {n}" for n in range(1, 31)}
    after = {name: f"-- header\n{text};" for name, text in before.items()}
    pgbraid.load(before).up(database.conninfo)
    repair = pgbraid.load(after).repair(database.conninfo, all_modified=True)
    assert len(repair.repaired) == 30
    assert {r.kind for r in repair.repaired} == {ModificationKind.COSMETIC}
    assert pgbraid.load(after).check(database.conninfo).problems == ()


def test_repair_of_nothing_writes_nothing(applied):
    repair = pgbraid.load(BEFORE).repair(applied.conninfo, all_modified=True)
    assert (repair.repaired, repair.unchanged) == ((), ())
    assert len(applied.events()) == 2


def test_rename_needs_option_of_its_own(applied):
    renamed = {"1_alpha.sql": BEFORE["1_a.sql"], "2_b.sql": BEFORE["2_b.sql"]}
    migrator = pgbraid.load(renamed)
    with pytest.raises(ConfigError, match="under the name 'a'") as caught:
        migrator.repair(applied.conninfo, [1])
    assert "pgbraid repair --rename 1" in caught.value.hint
    (repaired,) = migrator.repair(applied.conninfo, [1], rename=True).repaired
    assert (repaired.old_name, repaired.kind) == ("a", None)
    assert applied.value("SELECT name FROM applied_migrations WHERE version = 1") == "alpha"
    assert migrator.check(applied.conninfo).ok


def test_all_with_rename_takes_renames_too(applied):
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_beta.sql": BEFORE["2_b.sql"]})
    repair = migrator.repair(applied.conninfo, all_modified=True, rename=True)
    assert [(r.old_name, r.kind) for r in repair.repaired] == [
        (None, ModificationKind.MEANING),
        ("b", None),
    ]
    assert migrator.check(applied.conninfo).ok


def test_adopted_row_can_be_given_its_checksum(applied):
    applied.run("UPDATE applied_migrations SET checksum = NULL")
    migrator = pgbraid.load(BEFORE)
    (repaired,) = migrator.repair(applied.conninfo, [1]).repaired
    assert repaired.old_checksum is None
    assert applied.rows("SELECT checksum IS NULL FROM applied_migrations ORDER BY version") == [
        (False,),
        (True,),
    ]
    (repaired,) = migrator.repair(applied.conninfo, all_modified=True).repaired
    assert repaired.migration.version == 2


@pytest.mark.parametrize(
    ("files", "version", "message"),
    [
        (BEFORE | {"3_c.sql": "SELECT 1"}, 3, "3 is not applied"),
        ({"1_a.sql": BEFORE["1_a.sql"]}, 2, "2 has no file here"),
    ],
)
def test_unrepairable_version_is_reported(applied, files, version, message):
    with pytest.raises(ConfigError, match=message):
        pgbraid.load(files).repair(applied.conninfo, [version])


@pytest.mark.parametrize(
    ("name", "text"),
    [("7_b.sql", "SELECT 1;\nSELECT 2"), ("7_a.sql", "SELECT 1;\r\nSELECT 2"), ("7_x.sql", "")],
)
def test_applied_text_under_another_version_does_not_run_twice(database, name, text):
    before = {"1_a.sql": "SELECT 1;\nSELECT 2" if text else "", "2_b.sql": "SELECT 3"}
    pgbraid.load(before).up(database.conninfo)
    migrator = pgbraid.load({name: text, "2_b.sql": "SELECT 3", "8_c.sql": "SELECT 8"})
    if text:
        with pytest.raises(ProblemsFound) as caught:
            migrator.up(database.conninfo)
        assert [(p.code, p.versions) for p in caught.value.problems] == [("renumbered", (7, 1))]
    else:
        assert len(migrator.up(database.conninfo).applied) == 2


RENUMBERED = {"7_a.sql": "SELECT 1", "2_b.sql": "SELECT 3"}


def test_renumbered_file_is_recorded_by_command_of_its_hint(database):
    pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 3"}).up(database.conninfo)
    migrator = pgbraid.load(RENUMBERED)
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    assert "`pgbraid baseline --only 7`" in caught.value.problems[0].hint
    assert [m.version for m in migrator.baseline(database.conninfo, only=[7]).migrations] == [7]
    report = migrator.up(database.conninfo)
    assert (report.applied, [p.code for p in report.warnings]) == ((), ["missing_file"])


def test_renumbered_file_with_its_version_back_is_current(database):
    pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 3"}).up(database.conninfo)
    with pytest.raises(ProblemsFound):
        pgbraid.load(RENUMBERED).up(database.conninfo)
    migrator = pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 3"})
    assert migrator.up(database.conninfo).applied == ()
    assert migrator.check(database.conninfo).ok


def test_two_equal_texts_are_reported_with_their_own_versions(database):
    text = "SELECT 1"
    pgbraid.load({"3_c.sql": text, "4_d.sql": text}).up(database.conninfo)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"5_d.sql": text, "6_c.sql": text}).up(database.conninfo)
    assert {p.versions for p in caught.value.problems if p.code == "renumbered"} == {
        (5, 4),
        (6, 3),
    }


def test_two_taken_versions_get_two_free_suggestions(database):
    pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"}).up(database.conninfo)
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_b.sql": "SELECT 3", "2_a.sql": "SELECT 4"}).up(database.conninfo)
    hints = [p.hint for p in caught.value.problems if p.code == "version_taken"]
    assert ["3" in hint for hint in hints] == [True, False]
    assert "free version, 4" in hints[1]
