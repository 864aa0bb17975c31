"""`pgbraid renumber`: refusals and failures, after which every file has its old name."""

import subprocess

import pytest

from pgbraid import ConfigError, ProblemsFound
from pgbraid.migrate.renumber import plan_renumbering
from pgbraid.source.checksum_file import write_checksum_file
from pgbraid.source.loader import load_migrations
from tests.fixtures.git import git
from tests.fixtures.renumbering import add, diverged, names, new_names, plan, renumber


@pytest.fixture
def repository(tmp_path):
    return diverged(tmp_path / "project")


def write_sums(repository):
    folder = repository.folder
    write_checksum_file(folder, load_migrations(folder))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("101", "101_t.sql is in main"),
        ("101_t.sql", "101_t.sql is in main"),
        ("999", "no migration in .* is 999"),
        ("104_y", "no migration in .* is 104_y"),
        ("x", "'x' is neither a version nor the name"),
        ("-1", "'-1' is neither a version nor the name"),
    ],
)
def test_wrong_word_is_refused(repository, word, message):
    add(repository, "104_x.sql")
    before = names(repository)
    with pytest.raises(ConfigError, match=message):
        renumber(repository, "104_x.sql", word)
    assert names(repository) == before


def test_migration_that_base_deleted_is_not_of_this_branch(repository):
    repository.on_main("102_u.sql")
    assert renumber(repository) == []
    with pytest.raises(ConfigError, match=r"102_u.sql is older than this branch, and main has del"):
        renumber(repository, "102")


def test_merged_migration_in_another_form_is_merged(repository):
    repository.rename("103_v.sql", "0103_v.up.sql")
    assert renumber(repository) == []
    with pytest.raises(ConfigError, match=r"0103_v.up.sql is in main"):
        renumber(repository, "103")


@pytest.mark.parametrize("words", [(), ("104",)])
def test_text_that_base_has_under_another_name_is_refused(repository, words):
    repository.write("104_x.sql", "CREATE TABLE n ();")
    with pytest.raises(ConfigError, match=r"main already has the text of 104_x.sql, as 105_n.sql"):
        renumber(repository, *words)


def test_renamed_migration_of_base_is_refused(repository):
    repository.rename("103_v.sql", "104_v.sql")
    with pytest.raises(ConfigError, match=r"main already has the text of 104_v.sql, as 103_v.sql"):
        renumber(repository)


def test_name_that_both_added_with_different_texts_is_refused(repository):
    repository.write("104_m.sql", "CREATE TABLE mine ();")
    with pytest.raises(ConfigError, match="both main and this branch added 104_m, with different"):
        renumber(repository)


def test_existing_target_is_refused(repository):
    add(repository, "104_x.sql", "106_other.down.sql")
    repository.write("107_X.SQL", "not a migration")
    with pytest.raises(
        ConfigError, match=r"104_x.sql would become 107_x.sql, but 107_X.SQL exists"
    ):
        renumber(repository)
    assert "104_x.sql" in names(repository)


def test_link_to_renamed_file_is_refused(repository):
    add(repository, "104_x.sql")
    (repository.folder / "106_y.sql").symlink_to("104_x.sql")
    with pytest.raises(ConfigError, match=r"106_y.sql is a link to 104_x.sql"):
        renumber(repository)


def test_down_file_of_two_migrations_is_refused(repository):
    add(repository, "104_x.sql", "104_x.up.sql", "104_x.down.sql")
    with pytest.raises(
        ConfigError, match=r"104_x.down.sql may belong to 104_x.sql or 104_x.up.sql"
    ):
        renumber(repository)


def test_unreadable_file_is_reported_first(repository):
    repository.write("104_x.sql", b"\xff")
    with pytest.raises(ProblemsFound):
        renumber(repository)


def test_unresolved_merge_conflict_is_refused(repository):
    repository.write("104_m.sql", "CREATE TABLE mine ();")
    repository.commit()
    with pytest.raises(subprocess.CalledProcessError):
        git(repository.path, "merge", "main")
    with pytest.raises(ConfigError, match=r"104_m.sql: unresolved merge conflict"):
        renumber(repository)


def test_conflict_in_checksum_file_is_refused(repository):
    add(repository, "104_x.sql")
    (repository.folder / "pgbraid.sum").write_text("<<<<<<< HEAD\n")
    with pytest.raises(ConfigError, match=r"pgbraid.sum has a merge conflict in line 1"):
        renumber(repository)
    assert "104_x.sql" in names(repository)


@pytest.mark.parametrize("blocked", ["106_x.sql", "107_y.sql"])
def test_failed_rename_is_undone(repository, blocked):
    """Another program creates one of the new files between the plan and the renames."""
    add(repository, "104_x.sql", "105_y.sql")
    write_sums(repository)
    sums = (repository.folder / "pgbraid.sum").read_bytes()
    renumbering = plan(repository)
    add(repository, blocked)
    before = names(repository)
    with pytest.raises(ConfigError, match=f"{blocked} exists") as caught:
        renumbering.carry_out()
    assert caught.value.detail == "Every file has its old name."
    assert (names(repository), (repository.folder / "pgbraid.sum").read_bytes()) == (before, sums)


def test_interrupted_rename_is_undone(repository, monkeypatch):
    add(repository, "104_x.sql", "105_y.sql")
    write_sums(repository)
    renumbering = plan(repository)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pgbraid.source.writing.renaming.replace_checksum_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        renumbering.carry_out()
    assert new_names(repository) == ["104_x.sql", "105_y.sql"]


def test_checksum_file_that_cannot_be_replaced_undoes_renames(repository):
    add(repository, "104_x.sql")
    write_sums(repository)
    renumbering = plan(repository)
    path = repository.folder / "pgbraid.sum"
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot change"):
        renumbering.carry_out()
    assert new_names(repository) == ["104_x.sql"]


def test_folder_outside_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "1_a.sql").write_text("SELECT 1;")
    with pytest.raises(ConfigError, match="is not in a repository"):
        plan_renumbering(str(tmp_path), "main")


def test_shallow_clone_without_common_commit_gets_hint(repository, tmp_path):
    add(repository, "104_x.sql")
    repository.commit()
    source, clone = f"file://{repository.path}", tmp_path / "clone"
    words = ["git", "clone", "-q", "--depth", "1", "--no-single-branch", source, clone]
    subprocess.run(words, check=True, capture_output=True)
    git(clone, "checkout", "-q", "feature")
    with pytest.raises(ConfigError, match="no common commit") as caught:
        plan_renumbering(str(clone / "migrations"), "origin/main")
    assert "fetch --unshallow" in caught.value.hint
