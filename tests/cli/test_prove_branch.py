"""``prove --base``: a branch is compared with the branch into which it will be merged."""

import os
import subprocess
import sys

from tests.fixtures.git import git
from tests.fixtures.proofs import GAP, HARMLESS, TABLE


def test_prove_of_branch_names_conflicting_pair(branch, program, scratch_env):
    branch.write(_103_add=GAP)
    answer = program("prove", "--base", "main", env=scratch_env, code=1)
    assert "104_view and 103_add do not commute" in answer.out
    branch.write(_103_add=HARMLESS)
    assert program("prove", "--base", "main", env=scratch_env, code=0).out.startswith("same: ")


def test_prove_of_branch_with_unknown_base_fails(branch, program, scratch_env):
    answer = program("prove", "--base", "origin/none", env=scratch_env, code=2)
    assert "commit 'origin/none' does not exist" in answer.err
    assert "fetch-depth: 0" in answer.err
    assert program("prove", "--base", "--upload-pack=x", env=scratch_env, code=2)


def test_prove_of_branch_that_edited_merged_file_fails(branch, program, scratch_env):
    branch.write(_104_view="CREATE VIEW w AS SELECT 1;", _103_add=HARMLESS)
    answer = program("prove", "--base", "main", env=scratch_env, code=0)
    assert "NOTE:  104_view was changed since main" in answer.out


def test_newer_migrations_of_base_are_replayed(branch, program, scratch_env, tmp_path):
    git(tmp_path, "checkout", "-qb", "late")
    branch.write(_103_add=GAP)
    branch.remove("104_view.sql")
    git(tmp_path, "stash", "-u")
    git(tmp_path, "checkout", "-q", "main")
    branch.write(_105_view="CREATE VIEW w AS SELECT * FROM t;")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "y")
    git(tmp_path, "checkout", "-q", "late")
    git(tmp_path, "stash", "pop")
    answer = program("prove", "--base", "main", env=scratch_env, code=1)
    assert "105_view came to main since: it is replayed, too" in answer.out
    assert "104_view is in main and was deleted here: it is not replayed" in answer.out
    assert "105_view and 103_add do not commute" in answer.out
    branch.write(_105_other=HARMLESS)
    answer = program("prove", "--base", "main", env=scratch_env, code=1)
    assert "version 105 is 105_view.sql in main and 105_other.sql here" in answer.err


def test_folder_missing_in_base_is_reported(branch, program, scratch_env, tmp_path):
    (tmp_path / "migrations").rename(tmp_path / "moved")
    answer = program("prove", "--base", "main", "--dir", "moved", env=scratch_env, code=0)
    assert "main has the migrations of this folder in migrations" in answer.out
    (tmp_path / "empty").mkdir()
    assert program("prove", "--base", "main", "--dir", "empty", env=scratch_env).code != 0
    both = program(
        "prove", "--base", "main", "--database", "postgresql:///x", env=scratch_env, code=2
    )
    assert "cannot be combined with --base or --history" in both.err


def test_embedded_server_creates_expected_roles(branch, program, programs):
    branch.write(_101_table=f"{TABLE}\nGRANT SELECT ON t TO app_reader;", _103_add=HARMLESS)
    answer = program("prove", "--base", "main", env={"PGBRAID_PG_BIN": programs}, code=0)
    assert "role app_reader" in answer.out


def test_pytest_checks_and_proves(branch, tmp_path, scratch_env, clean_env):
    branch.write(_103_add=GAP)
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    env = {**clean_env, **scratch_env, "PATH": os.environ["PATH"]}

    def run(*more):
        return subprocess.run(
            [*words, *more], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    answer = run("--pgbraid-prove=main")
    assert "1 failed, 2 passed" in answer.stdout
    assert "104_view and 103_add do not commute" in answer.stdout
    branch.write(_103_add=HARMLESS)
    assert "3 passed" in run("--pgbraid-prove=main").stdout
    assert "1 passed" in run().stdout
