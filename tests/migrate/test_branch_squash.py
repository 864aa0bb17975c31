"""check --base and prove --base of a branch that squashed, and of one that its base overtook."""

import pytest

import pgbraid
from pgbraid.model.proof import Verdict
from tests.fixtures.git import OTHER, TABLE, Repository, git

BASELINE = f"-- pgbraid: replaces=101,102\n{TABLE}{OTHER}"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "project")


def squash(repository, text=BASELINE, *, without=("101_t.sql", "102_u.sql")):
    for name in without:
        repository.remove(name)
    repository.write("102_baseline.sql", text)


def codes(problems):
    return [(problem.code, problem.severity.value) for problem in problems]


def prove(repository):
    return pgbraid.load(repository.folder, settings=False).prove(base="main")


def test_squash_of_merged_migrations_is_warning(repository):
    squash(repository)
    check = repository.check()
    assert codes(check.problems) == [("base_squashed", "warning")]
    assert check.ok


def test_deleted_file_that_baseline_does_not_replace_is_error(repository):
    squash(repository)
    repository.remove("103_v.sql")
    assert codes(repository.check().problems) == [
        ("base_deleted", "error"),
        ("base_squashed", "warning"),
    ]


def test_replaced_file_that_still_exists_is_error(repository):
    squash(repository, without=("102_u.sql",))
    found = codes(repository.check().problems)
    assert ("replaces_existing", "error") in found


def test_squash_of_migration_that_base_lacks_is_error(repository):
    repository.write("104_w.sql", "CREATE TABLE w ();")
    repository.commit()
    for name in ("101_t.sql", "102_u.sql", "103_v.sql", "104_w.sql"):
        repository.remove(name)
    repository.write("104_baseline.sql", "-- pgbraid: replaces=101-104\nSELECT 1;")
    (problem,) = repository.check().problems
    assert (problem.code, problem.versions) == ("base_squash_ahead", (104,))


def test_migration_that_came_to_base_below_baseline_is_error(repository):
    repository.on_main("100_late.sql", "CREATE TABLE late ();")
    squash(repository)
    found = codes(repository.check().problems)
    assert found == [("base_squashed", "warning"), ("below_baseline", "error")]
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        prove(repository)
    assert codes(caught.value.problems) == [("below_baseline", "error")]


def test_new_migration_below_baseline_of_base_is_error(repository):
    repository.on("main")
    squash(repository)
    repository.commit()
    repository.on("feature")
    assert repository.check().problems == ()
    repository.write("100_mine.sql", "CREATE TABLE mine ();")
    assert codes(repository.check().problems) == [("below_baseline", "error")]


def test_second_squash_of_baseline_in_base_is_warning(repository):
    repository.on("main")
    squash(repository)
    repository.commit()
    repository.on("feature")
    for name in ("101_t.sql", "102_u.sql", "103_v.sql"):
        repository.remove(name)
    text = "-- pgbraid: replaces=101,103,102_baseline\nSELECT 1;"
    repository.write("103_second.sql", text)
    assert codes(repository.check().problems) == [("base_squashed", "warning")]


def test_squash_is_replayed_in_place_of_merged_migrations(repository, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    squash(repository)
    proof = prove(repository)
    assert [m.label for m in proof.recorded_order] == ["102_baseline", "103_v"]
    assert proof.notes == (
        "102_baseline replaces 2 versions: it is replayed instead",
        "102_baseline gives the result of the 2 that it replaces",
    )
    assert proof.verdict is Verdict.SAME
    repository.write("104_w.sql", "CREATE TABLE w ();")
    assert prove(repository).verdict is Verdict.SAME


def test_edited_baseline_is_compared_with_migrations_of_base(repository, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    squash(repository, BASELINE.replace("t (a int)", "t (a bigint)"))
    proof = prove(repository)
    assert proof.verdict is Verdict.DIFFERENT
    (difference,) = proof.differences
    (attribute,) = [a for a in difference.attributes if a.right == "bigint"]
    assert (difference.name, attribute.left) == ("column public.t.a", "integer")
    assert "102_baseline does not give the result of the 2 migrations" in proof.no_pair


def test_baseline_that_lacks_rows_is_different(repository, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    repository.on_main("104_w.sql", "INSERT INTO t VALUES (1), (2);")
    git(repository.path, "merge", "-q", "main")
    for name in ("101_t.sql", "102_u.sql", "103_v.sql", "104_w.sql"):
        repository.remove(name)
    view = "CREATE VIEW v AS SELECT a FROM t;"
    text = f"-- pgbraid: replaces=101-104\n{TABLE}{OTHER}{view}INSERT INTO t VALUES (1);"
    repository.write("104_baseline.sql", text)
    proof = prove(repository)
    assert [difference.name for difference in proof.differences] == ["rows of table public.t"]
    repository.write("104_baseline.sql", text + "INSERT INTO t VALUES (2);")
    assert prove(repository).verdict is Verdict.SAME


def test_values_that_differ_in_each_replay_may_be_constants(repository, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    rows = "CREATE TABLE w (a timestamptz); INSERT INTO w VALUES (clock_timestamp());"
    repository.on_main("104_w.sql", rows)
    git(repository.path, "merge", "-q", "main")
    for name in ("103_v.sql", "104_w.sql"):
        repository.remove(name)
    squash(
        repository,
        f"-- pgbraid: replaces=101-104\n{TABLE}{OTHER}CREATE VIEW v AS SELECT a FROM t;"
        "CREATE TABLE w (a timestamptz); INSERT INTO w VALUES ('2020-01-01');",
    )
    repository.rename("102_baseline.sql", "104_baseline.sql")
    assert prove(repository).verdict is Verdict.SAME


def test_squash_of_base_is_replayed_in_place_of_files_here(repository, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    repository.on("main")
    squash(repository)
    repository.commit()
    repository.on("feature")
    repository.write("104_w.sql", "CREATE TABLE w ();")
    proof = prove(repository)
    assert [m.label for m in proof.recorded_order] == ["102_baseline", "103_v", "104_w"]
    assert proof.notes == ("102_baseline came to main since: it is replayed, too",)
