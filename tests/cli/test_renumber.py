"""`pgbraid renumber`: the command, its base, and the database that it asks."""

import pytest

from tests.fixtures.git import git
from tests.fixtures.renumbering import add, diverged, new_names


@pytest.fixture
def repository(tmp_path):
    """The branch of a project in the current folder of the command line."""
    repository = diverged(tmp_path / "project")
    add(repository, "104_x.up.sql", "104_x.down.sql")
    return repository


def renumber(program, *words, **options):
    return program("renumber", "--dir", "project/migrations", *words, **options)


def test_renames_are_printed(program, repository):
    renames = (
        "project/migrations/104_x.up.sql -> project/migrations/106_x.up.sql\n"
        "project/migrations/104_x.down.sql -> project/migrations/106_x.down.sql\n"
    )
    dry = renumber(program, "--base", "main", "--dry-run", code=0)
    assert dry.out == f"{renames}Dry run: nothing was renamed.\n"
    assert new_names(repository) == ["104_x.down.sql", "104_x.up.sql"]
    assert renumber(program, "--base", "main", code=0).out == renames
    assert new_names(repository) == ["106_x.down.sql", "106_x.up.sql"]
    assert program("check", "--base", "main", "--dir", "project/migrations", code=0).err == ""
    assert renumber(program, "--base", "main", code=0).out == (
        "Nothing to renumber: the migrations of this branch follow main.\n"
    )


def test_hint_of_check_is_command_that_solves_its_problem(program, repository):
    answer = program("check", "--base", "main", "--dir", "project/migrations", code=1)
    assert "`pgbraid renumber --base main`" in answer.err


def test_old_name_in_text_is_noted_on_standard_error(program, repository):
    repository.write("106_y.sql", "SELECT 1; -- after 104_x")
    answer = renumber(program, "104", "--base", "main", code=0)
    assert "NOTE:  106_y.sql mentions 104_x, which is now 107_x\n" in answer.err


def test_document(program, repository):
    repository.write("106_y.sql", "SELECT 1; -- after 104_x")
    document = renumber(program, "104", "--base", "main", "--json", code=0).json
    assert document["base"] == "main"
    assert document["renamed"][0] == {
        "old": "project/migrations/104_x.up.sql",
        "new": "project/migrations/107_x.up.sql",
        "old_version": 104,
        "version": 107,
    }
    assert (document["dry_run"], document["checksum_file"]) == (False, None)
    assert document["notes"][0] == "106_y.sql mentions 104_x, which is now 107_x"


@pytest.fixture
def clone(repository, tmp_path):
    """Add a remote with the branches of the repository itself."""
    git(repository.path, "remote", "add", "origin", str(repository.path))
    git(repository.path, "fetch", "-q", "origin")
    return repository


def test_base_is_branch_of_origin_head(program, clone):
    git(clone.path, "remote", "set-head", "origin", "main")
    assert renumber(program, "--json", code=0).json["base"] == "origin/main"


def test_base_is_upstream_with_another_name(program, clone):
    git(clone.path, "branch", "-q", "--set-upstream-to", "origin/main")
    assert renumber(program, "--json", code=0).json["base"] == "origin/main"


def test_own_copy_is_no_base(program, clone):
    git(clone.path, "branch", "-q", "--set-upstream-to", "origin/feature")
    answer = renumber(program, code=2)
    assert "ERROR:  the base of this branch is unknown" in answer.err
    assert "HINT:  Name it with --base" in answer.err


def test_two_possible_bases_need_option(program, clone):
    git(clone.path, "push", "-q", "origin", "main:release")
    git(clone.path, "fetch", "-q", "origin")
    git(clone.path, "remote", "set-head", "origin", "main")
    git(clone.path, "branch", "-q", "--set-upstream-to", "origin/release")
    answer = renumber(program, code=2)
    assert "ERROR:  this branch may join origin/main or origin/release" in answer.err
    assert new_names(clone) == ["104_x.down.sql", "104_x.up.sql"]


def test_detached_head_has_base_of_origin_head(program, clone):
    git(clone.path, "remote", "set-head", "origin", "main")
    git(clone.path, "checkout", "-q", "--detach")
    assert renumber(program, "--json", code=0).json["base"] == "origin/main"


def test_folder_outside_repository_is_wrong_usage(program, folder, tmp_path):
    folder.write(_1_a="SELECT 1")
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    for words in ((), ("--base", "main")):
        answer = program("renumber", *words, env=env, code=2)
        assert "is not in a repository that git can read" in answer.err


def test_applied_migration_is_refused(cli, repository, database):
    cli("up", "--dir", "project/migrations", code=0)
    answer = renumber(cli, "--base", "main", code=2)
    assert "ERROR:  104_x is applied in " in answer.err
    assert "`pgbraid undo 104`" in answer.err
    assert new_names(repository) == ["104_x.down.sql", "104_x.up.sql"]
    assert "is applied" in renumber(cli, "104", "--base", "main", "--dry-run", code=2).err


def test_other_migration_with_version_may_be_applied(cli, repository, tmp_path):
    git(repository.path, "worktree", "add", "-q", tmp_path / "main", "main")
    cli("up", "--dir", "main/migrations", code=0)
    assert "104_x.up.sql -> " in renumber(cli, "--base", "main", code=0).out
    cli("up", "--dir", "project/migrations", code=0)


def test_migration_that_is_applied_under_another_name_is_refused(cli, repository, database):
    cli("up", "--dir", "project/migrations", code=0)
    database.run("UPDATE applied_migrations SET name = 'before' WHERE version = 104")
    assert "104_x is applied" in renumber(cli, "--base", "main", code=2).err


def test_started_migration_is_refused(cli, repository, database):
    repository.remove("104_x.up.sql")
    repository.remove("104_x.down.sql")
    text = "-- pgbraid: no-transaction\nCREATE TABLE t1 ();\nSELECT 1 / 0;\n"
    repository.write("104_x.sql", text)
    cli("up", "--dir", "project/migrations", code=3)
    assert "104_x is started" in renumber(cli, "--base", "main", code=2).err


def test_database_without_ledger_has_applied_nothing(cli, repository):
    assert "106_x.up.sql" in renumber(cli, "--base", "main", code=0).out


UNREACHABLE = "host=/nonexistent dbname=x"


def test_unreachable_database_of_environment_is_noted(program, repository):
    env = {"PGBRAID_DATABASE_URL": UNREACHABLE}
    answer = renumber(program, "--base", "main", env=env, code=0)
    assert "NOTE:  applied versions are not checked: " in answer.err
    assert new_names(repository) == ["106_x.down.sql", "106_x.up.sql"]


def test_unreachable_database_of_command_line_is_error(program, repository):
    renumber(program, "--base", "main", "--database", UNREACHABLE, code=4)
    assert new_names(repository) == ["104_x.down.sql", "104_x.up.sql"]
