"""The planner, tested by tables: files and applied set in, steps and problems out."""

import pytest

from pgbraid.migrate.planning.planner import as_check_problem, make_plan
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import AppliedMigration, Migration, MigrationSet, Problem, Severity
from pgbraid.model.options import Verify
from pgbraid.model.plan import LedgerState
from pgbraid.model.results import Adoption, ModificationKind, ModifiedFile


def file(version, name="x"):
    return Migration(version, name, f"{version}_{name}.sql", "c", 0, "p", str(version))


def files(*versions):
    return MigrationSet(tuple(map(file, versions)))


def applied(*versions, name="x"):
    return LedgerState(tuple(AppliedMigration(v, name, None) for v in versions))


@pytest.mark.parametrize(
    ("on_disk", "in_set", "runs", "gaps"),
    [
        ([], [], [], []),
        ([1, 2], [], [1, 2], []),
        ([1, 2], [1, 2], [], []),
        ([1, 2, 3], [1, 2], [3], []),
        ([101, 102, 103, 104], [101, 102, 104], [103], [103]),
        ([1, 2, 3, 4, 5], [2, 4], [1, 3, 5], [1, 3]),
        ([0, 5], [5], [0], [0]),
        ([1, 20240101000000], [20240101000000], [1], [1]),
        ([1, 2], [1, 9], [2], [2]),
        ([2**63 - 1], [], [2**63 - 1], []),
    ],
)
def test_files_missing_in_applied_set_run(on_disk, in_set, runs, gaps):
    plan = make_plan(files(*on_disk), applied(*in_set))
    assert [s.migration.version for s in plan.steps] == runs
    assert [s.migration.version for s in plan.gaps] == gaps
    assert plan.has_work is bool(runs)
    assert plan.errors == ()


@pytest.mark.parametrize(
    ("to", "runs", "later"), [(None, [1, 3, 5], []), (3, [1, 3], [5]), (0, [], [1, 3, 5])]
)
def test_to_leaves_out_higher_versions(to, runs, later):
    plan = make_plan(files(1, 2, 3, 5), applied(2), to=to)
    assert [s.migration.version for s in plan.steps] == runs
    assert [s.migration.version for s in plan.above_target] == later


def test_applied_version_without_file_is_warning_only():
    plan = make_plan(files(1), applied(1, 2))
    (problem,) = plan.problems
    assert (problem.code, problem.severity, problem.versions) == (
        "missing_file",
        Severity.WARNING,
        (2,),
    )
    assert [row.version for row in plan.missing_files] == [2]
    plan.raise_for_problems()


def test_file_that_has_problem_is_not_missing():
    bad = MigrationSet((), (Problem("unreadable", "x", versions=(2,)),))
    assert make_plan(bad, applied(2)).missing_files == ()


def test_rename_is_error_that_names_both():
    plan = make_plan(MigrationSet((file(1, "new"),)), applied(1, name="old"))
    (problem,) = plan.errors
    assert problem.code == "renamed"
    assert "'old'" in problem.message
    assert "'1_new.sql'" in problem.message
    assert "repair --rename 1" in problem.hint
    with pytest.raises(ProblemsFound) as caught:
        plan.raise_for_problems()
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize(("recorded", "now"), [("Add", "add"), ("caf\u00e9", "cafe\u0301")])
def test_rename_in_case_or_unicode_form_is_named_as_such(recorded, now):
    plan = make_plan(MigrationSet((file(1, now),)), applied(1, name=recorded))
    assert "only in case or in Unicode" in plan.errors[0].detail


@pytest.mark.parametrize("recorded", [None, ""])
def test_row_without_name_is_no_rename(recorded):
    assert make_plan(files(1), applied(1, name=recorded)).problems == ()


@pytest.mark.parametrize(
    ("kind", "verify", "severity"),
    [
        (ModificationKind.MEANING, Verify.ERROR, Severity.ERROR),
        (ModificationKind.UNKNOWN, Verify.ERROR, Severity.ERROR),
        (ModificationKind.COSMETIC, Verify.ERROR, Severity.WARNING),
        (ModificationKind.MEANING, Verify.WARN, Severity.WARNING),
        (ModificationKind.MEANING, Verify.OFF, None),
        (ModificationKind.COSMETIC, Verify.OFF, None),
    ],
)
def test_setting_verify_decides_severity_of_drift(kind, verify, severity):
    modification = ModifiedFile(file(1), "a" * 64, kind, diff="-a\n+b")
    problems = make_plan(files(1), applied(1), modified=[modification], verify=verify).problems
    assert [p.severity for p in problems] == ([severity] if severity else [])
    assert all(p.diff == "-a\n+b" for p in problems)


def test_adopted_versions_count_as_applied():
    adoption = Adoption("golang-migrate", "public.schema_migrations", (file(1), file(3)), (2,))
    plan = make_plan(files(1, 2, 3, 4), LedgerState(exists=False), adoption=adoption)
    assert [(s.migration.version, s.gap) for s in plan.steps] == [(2, True), (4, False)]
    assert plan.has_work


def test_adoption_alone_is_work():
    adoption = Adoption("golang-migrate", "public.schema_migrations", (file(1),), counter=1)
    assert make_plan(files(1), LedgerState(exists=False), adoption=adoption).has_work


def test_every_problem_is_listed_at_once():
    broken = MigrationSet(
        (file(1, "new"), file(2)), (Problem("duplicate_version", "x", versions=(3,)),)
    )
    modification = ModifiedFile(file(2), "a" * 64, ModificationKind.UNKNOWN)
    ledger = LedgerState((AppliedMigration(1, "old", None), AppliedMigration(2, "x", "a" * 64)))
    plan = make_plan(broken, ledger, modified=[modification])
    assert [p.code for p in plan.errors] == ["duplicate_version", "renamed", "modified"]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ModificationKind.MEANING, "version_taken"),
        (ModificationKind.UNKNOWN, "version_taken"),
        (ModificationKind.COSMETIC, "renamed"),
    ],
)
def test_another_name_and_another_text_is_another_migration(kind, code):
    modification = ModifiedFile(file(1, "new"), "a" * 64, kind)
    plan = make_plan(
        MigrationSet((file(1, "new"),)), applied(1, name="old"), modified=[modification]
    )
    assert [p.code for p in plan.errors] == [code]


def test_applied_one_of_two_files_is_named():
    twice = MigrationSet((), (Problem("duplicate_version", "x", versions=(1,)),))
    (problem,) = make_plan(twice, applied(1, name="a")).errors
    assert problem.detail == "The applied migration is 'a': keep that file."


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("missing_file", Severity.ERROR),
        ("near_miss", Severity.ERROR),
        ("modified", Severity.ERROR),
        ("modified_comments", Severity.WARNING),
    ],
)
def test_check_is_stricter_than_run(code, severity):
    assert as_check_problem(Problem(code, "x", severity=Severity.WARNING)).severity is severity
