"""``check --base``: the command that a pull request runs."""

import json

from tests.fixtures.proofs import HARMLESS


def test_branch_that_keeps_merged_migrations_passes(branch, program):
    branch.write(_105_more=HARMLESS)
    answer = program("check", "--base", "main", code=0)
    assert answer.out == "yes: no problem in the files, and the migrations of main are kept.\n"


def test_branch_that_changes_merged_migration_fails_at_its_line(branch, program):
    branch.write(_104_view="CREATE VIEW w AS SELECT 1;", _103_add=HARMLESS)
    answer = program("check", "--base", "main", code=1)
    error = "migrations/104_view.sql:1: ERROR:  104_view is in main, and this branch changes it"
    assert error in answer.err
    assert "git checkout main -- migrations/104_view.sql" in answer.err
    assert "WARNING:  103_add will run out of order: main has 104" in answer.err
    assert answer.out == "no: 1 problem.\n"


def test_result_as_json_names_base_and_problems(branch, program):
    branch.remove("104_view.sql")
    document = json.loads(program("check", "--base", "main", "--json", code=1).out)
    assert (document["base"], document["answer"], document["offline"]) == ("main", "no", True)
    assert [problem["code"] for problem in document["problems"]] == ["base_deleted"]


def test_unknown_base_is_wrong_usage(branch, program):
    answer = program("check", "--base", "origin/none", code=2)
    assert "commit 'origin/none' does not exist" in answer.err
