"""`pgbraid new`: a sequence or timestamps, by the folder, the repository and the caller."""

import subprocess
from datetime import UTC, datetime

import pytest

from pgbraid import ConfigError
from pgbraid.settings.settings import Settings
from pgbraid.source.writing.new_migration import create_migration
from tests.fixtures.git import git

NOW = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
STAMP = "20260301235959_a.sql"


def new(folder, title="a", **options):
    made = create_migration(str(folder), title, now=NOW, **options)
    return made.files[0].name


def reason(folder):
    return create_migration(str(folder), "a", now=NOW).numbering.reason


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in no repository: the search for one ends below it."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    path = tmp_path / "project" / "migrations"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def repository(folder):
    """The folder in a repository with one branch and no remote."""
    git(folder.parent, "init", "-q", "-b", "main")
    git(folder.parent, "commit", "-q", "--allow-empty", "-m", "x")
    return folder


@pytest.fixture
def parallel(repository):
    git(repository, "branch", "other")
    return repository


def test_folder_without_repository_gets_sequence(folder):
    assert (new(folder), new(folder, "b")) == ("001_a.sql", "002_b.sql")


def test_repository_with_one_branch_gets_sequence(repository):
    assert new(repository) == "001_a.sql"


def test_repository_without_commit_gets_sequence(folder):
    git(folder, "init", "-q")
    assert new(folder) == "001_a.sql"


def test_second_branch_gives_timestamp(parallel):
    assert reason(parallel) == "the repository has 2 branches"
    assert (parallel / STAMP).exists()


def test_remote_gives_timestamp_without_contact(repository):
    git(repository, "remote", "add", "upstream", "https://host.invalid/x.git")
    assert reason(repository) == "the repository has the remote upstream"
    assert (repository / STAMP).exists()


def test_sequence_folder_gets_timestamp_in_parallel_work(parallel):
    (parallel / "0007_x.sql").write_text("SELECT 1")
    assert new(parallel) == STAMP


def test_worktree_sees_branches_of_its_repository(parallel, tmp_path):
    git(parallel, "worktree", "add", "-q", tmp_path / "second", "other")
    assert new(tmp_path / "second" / "migrations") == STAMP


def test_detached_head_counts_branches(parallel):
    git(parallel, "checkout", "-q", "--detach")
    assert new(parallel) == STAMP


def test_missing_folder_is_created_and_its_repository_found(parallel):
    assert new(parallel / "db" / "new") == STAMP


def test_variables_of_hook_do_not_hide_repository(parallel, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert new(parallel) == STAMP


def test_broken_repository_gets_sequence(parallel):
    (parallel.parent / ".git" / "HEAD").write_text("broken")
    assert new(parallel) == "001_a.sql"


def test_bare_repository_gets_sequence(folder, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "bare")
    git(tmp_path / "bare", "remote", "add", "origin", "x")
    assert new(tmp_path / "bare" / "migrations") == "001_a.sql"


@pytest.mark.parametrize("program", [None, "#!/nonexistent/sh\n"])
def test_without_usable_git_folder_gets_sequence(parallel, tmp_path, monkeypatch, program):
    programs = tmp_path / "programs"
    programs.mkdir()
    if program is not None:
        (programs / "git").write_text(program)
        (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    assert new(parallel) == "001_a.sql"


def test_hooks_do_not_run(parallel):
    hooks = parallel.parent / ".git" / "hooks"
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {parallel}/ran\n")
        (hooks / name).chmod(0o755)
    git(parallel, "config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman")
    new(parallel)
    assert not (parallel / "ran").exists()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"timestamp": False}, "001_a.sql"),
        ({"numbering": "sequential"}, "001_a.sql"),
        ({"numbering": "timestamp"}, STAMP),
        ({"timestamp": True, "numbering": "sequential"}, STAMP),
        ({"timestamp": False, "numbering": "timestamp"}, "001_a.sql"),
    ],
)
def test_caller_takes_precedence_over_setting_and_repository(parallel, options, name):
    assert new(parallel, **options) == name


def test_timestamps_continue_without_repository(folder):
    (folder / "20250101000000_x.sql").write_text("SELECT 1")
    assert reason(folder) == "the newest file has a timestamp"
    assert (folder / STAMP).exists()


def test_taken_second_gives_next_valid_second(folder):
    names = [new(folder, title, timestamp=True) for title in "abc"]
    assert names == ["20260301235959_a.sql", "20260302000000_b.sql", "20260302000001_c.sql"]


def test_timestamp_follows_newer_one_of_folder(folder):
    (folder / "20270101120059_x.sql").write_text("SELECT 1")
    (folder / "20270101120100_y.down.sql").write_text("SELECT 1")
    assert new(folder) == "20270101120101_a.sql"


def test_number_with_as_many_digits_that_is_no_time_is_followed(folder):
    (folder / "99999999999998_x.sql").write_text("SELECT 1")
    assert new(folder) == "99999999999999_a.sql"


def test_version_longer_than_timestamp_is_continued(parallel):
    (parallel / "20250101000000123_x.sql").write_text("SELECT 1")
    assert new(parallel) == "20250101000000124_a.sql"


def test_unknown_numbering_is_invalid():
    with pytest.raises(ConfigError, match="numbering must be auto, timestamp or sequential"):
        Settings().override(numbering="time")


def test_shallow_clone_has_remote(parallel, tmp_path):
    source = f"file://{parallel.parent}"
    subprocess.run(["git", "clone", "-q", "--depth", "1", source, tmp_path / "c"], check=True)
    assert new(tmp_path / "c" / "migrations") == STAMP
