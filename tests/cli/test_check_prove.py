"""``check --base REF --prove``: the check of a branch and its proof in one result."""

import json
from dataclasses import replace

import pytest

from pgbraid import Verdict
from pgbraid.model.migration import Location
from pgbraid.prove.proven_check import problems_of_proof
from tests.fixtures.git import git
from tests.fixtures.proofs import GAP, HARMLESS, TABLE
from tests.fixtures.reports import annotations, commands, places, quality, sarif, validate_sarif


@pytest.fixture
def prove(branch, program, scratch_env):
    """Run check with a proof against main, on the tests' own server."""

    def run(*words, env=scratch_env, code=None):
        return program("check", "--base", "main", "--prove", *words, env=env, code=code)

    return run


def test_branch_that_commutes_passes(branch, prove):
    branch.write(_103_add=HARMLESS)
    answer = prove(code=0)
    assert answer.out == (
        "proven: both orders end with the same schema and rows.\n"
        "yes: no problem in the files, and the migrations of main are kept.\n"
    )
    assert "WARNING:  103_add will run out of order: main has 104" in answer.err
    assert "pgbraid prove" not in answer.err


def test_branch_in_order_needs_no_replay(branch, prove):
    branch.write(_105_add=GAP)
    answer = prove(env={"PGBRAID_SCRATCH_URL": "postgresql://localhost:1/none"}, code=0)
    assert answer.out.startswith("proven: no migration is out of order.\n")


def test_pair_is_problem_of_migration_out_of_order(branch, prove):
    branch.write(_103_add=GAP)
    answer = prove(code=1)
    message = "migrations/103_add.sql:1: ERROR:  104_view and 103_add do not commute: "
    assert message in answer.err
    assert "DETAIL:  Smallest example: these two after 101_table." in answer.err
    assert "HINT:  If no database has 103_add yet, give it a version above 104;" in answer.err
    assert "column public.v.c  (only by version)" in answer.out
    assert answer.out.endswith("no: 1 problem.\n")


def test_pair_is_in_each_format(branch, prove):
    branch.write(_103_add=GAP)
    answer = prove("--format", "github", code=1)
    assert annotations(answer) == [
        ("warning", "base_gap", "migrations/103_add.sql", None),
        ("error", "not_commuting", "migrations/103_add.sql", "1"),
    ]
    (_, entry) = quality(prove("--format", "gitlab", code=1))
    assert (entry["check_name"], entry["severity"]) == ("not_commuting", "major")
    answer = prove("--format", "sarif", code=1)
    expected = ("error", "not_commuting", "migrations/103_add.sql", 1)
    assert expected in places(sarif(answer))
    document = prove("--json", code=1).json
    assert [p["code"] for p in document["problems"]] == ["base_gap", "not_commuting"]
    assert document["problems"][1]["versions"] == [103, 104]
    assert document["proof"]["verdict"] == "different"
    assert document["proof"]["pair"]["second"]["version"] == 103


def test_sarif_of_proof_is_valid(branch, prove):
    branch.write(_103_add=GAP)
    validate_sarif(prove("--format", "sarif", code=1).out)


def test_proof_is_documented_as_that_of_prove(branch, program, prove, scratch_env):
    branch.write(_103_add=GAP)
    members = set(program("prove", "--base", "main", "--json", env=scratch_env, code=1).json)
    proof = prove("--json", code=1).json["proof"]
    head = {"format", "command", "ok", "exit_code", "settings", "notices", "retries"}
    assert set(proof) == members - head
    assert program("check", "--base", "main", "--json", code=0).json["proof"] is None


def test_failure_of_migration_out_of_order_is_problem_at_its_line(branch, prove):
    branch.write(_103_add="SELECT 1;\nALTER TABLE t\n  DROP COLUMN b;\n")
    answer = prove("--format", "github", code=1)
    (_, command) = commands(answer)
    place = (command.properties["title"], command.properties["line"])
    assert place == ("not_commuting", "2")
    assert "cannot drop column b of table t" in command.message


def test_accepted_difference_is_no_problem(branch, prove):
    branch.write(_103_add="-- pgbraid: allow-difference=the view is old\n" + GAP)
    answer = prove(code=0)
    assert "Accepted: 103_add allows it: the view is old." in answer.out
    branch.write(_103_add=GAP)
    assert "Accepted: different, by --accept" in prove("--accept", "different", code=0).out


def test_problems_of_files_and_of_proof_are_in_one_result(branch, prove):
    branch.write(_103_add=GAP, _101_table=TABLE + "\nCREATE TABLE more ();")
    codes = [p["code"] for p in prove("--json", code=1).json["problems"]]
    assert codes == ["base_edited", "base_gap", "not_commuting"]


def test_files_that_cannot_be_merged_prevent_proof(branch, prove):
    branch.write(_104_other=HARMLESS)
    document = prove("--json", code=1).json
    problems = [(p["code"], p["location"] and p["location"]["file"]) for p in document["problems"]]
    assert problems[-1] == ("not_proven", None)
    assert {code for code, _ in problems[:-1]} == {"duplicate_version"}
    assert document["proof"] is None


def test_text_that_cannot_run_prevents_proof(branch, prove):
    branch.write(_103_add="COMMIT;")
    document = prove("--json", code=1).json
    codes = [problem["code"] for problem in document["problems"]]
    assert codes == ["transaction_control", "base_gap", "not_proven"]


def test_migration_that_fails_in_every_order_prevents_proof(branch, prove):
    branch.write(_103_add="SELECT 1;\nSELECT emial;")
    (_, command) = commands(prove("--format", "github", code=1))
    assert command.properties["title"] == "not_proven"
    assert command.properties["file"] == "migrations/103_add.sql"
    assert command.properties["line"] == "2"


def test_message_of_migration_is_no_command_in_log_of_github(branch, prove):
    raised = "E'x\\n::add-mask::y\\n##[error]z'"
    branch.write(_103_add=f"DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = {raised}; END $$")
    answer = prove("--format", "github", code=1)
    assert {command.name for command in commands(answer)} == {"warning", "error"}
    assert "::add-mask::y\n##[error]z" in commands(answer)[-1].message
    branch.write(
        _103_add="DO $$ BEGIN IF to_regclass('v') IS NOT NULL THEN "
        f"RAISE EXCEPTION USING MESSAGE = {raised}; END IF; END $$"
    )
    answer = prove("--format", "github", code=1)
    assert [command.properties["title"] for command in commands(answer)] == [
        "base_gap",
        "not_commuting",
    ]
    assert "add-mask" in answer.out


def test_difference_without_pair_is_problem_of_first_migration_out_of_order(
    branch, programs, monkeypatch
):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    branch.write(_102_more="CREATE TABLE more ();", _103_add=GAP)
    proof = branch.load(settings=False).prove(base="main")
    assert problem_codes(proof) == ["not_commuting"]
    proof = replace(proof, pair=None, no_pair="names of objects change in each replay")
    (problem,) = problems_of_proof(proof, "main")
    assert problem.code == "orders_differ"
    assert problem.message.startswith("main with this branch and a fresh database end with diff")
    assert problem.detail == "Names of objects change in each replay."
    assert problem.location == Location(f"{branch.path}/102_more.sql", 1)
    assert problem_codes(replace(proof, verdict=Verdict.SAME)) == []


def problem_codes(proof):
    return [problem.code for problem in problems_of_proof(proof, "main")]


def test_server_that_cannot_be_reached_prevents_proof(branch, prove):
    branch.write(_103_add=GAP)
    env = {"PGBRAID_SCRATCH_URL": "postgresql://localhost:1/none"}
    answer = prove("--format", "github", env=env, code=1)
    assert annotations(answer)[-1] == ("error", "not_proven", None, None)
    assert "no proof could be made: " in commands(answer)[-1].message
    run = sarif(prove("--format", "sarif", env=env, code=1))
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["descriptor"]["id"] == "not_proven"


def test_empty_branch_has_no_proof(branch, prove):
    branch.remove("101_table.sql")
    branch.remove("104_view.sql")
    document = prove("--json", code=1).json
    assert document["proof"] is None
    assert "base_deleted" in {problem["code"] for problem in document["problems"]}


def test_checksum_file_is_checked_with_proof(branch, program, prove):
    branch.write(_105_add=HARMLESS)
    program("sum", code=0)
    assert "The files match pgbraid.sum." in prove("--sum", code=0).out


def test_server_of_option_is_used(branch, prove, server):
    branch.write(_103_add=HARMLESS)
    wrong = {"PGBRAID_SCRATCH_URL": "postgresql://localhost:1/none"}
    proof = prove("--scratch", server, "--json", env=wrong, code=0).json["proof"]
    assert (proof["verdict"], proof["replays"]) == ("same", 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--prove",), "--prove needs --base"),
        (("--prove", "--offline"), "--prove needs --base"),
        (("--base", "main", "--scratch", "postgresql:///x"), "--scratch needs --prove"),
        (("--base", "main", "--accept", "different"), "--accept needs --prove"),
    ],
)
def test_options_that_belong_together_are_required(branch, program, words, message):
    answer = program("check", *words, code=2)
    assert f"ERROR:  {message}" in answer.err
    assert "HINT:  " in answer.err
    assert "`pgbraid check --base origin/main --prove`" in answer.err


def test_unknown_base_is_wrong_usage_also_with_proof(branch, program, scratch_env):
    answer = program("check", "--base", "none", "--prove", env=scratch_env, code=2)
    assert "commit 'none' does not exist" in answer.err


def test_error_of_base_is_no_problem_of_file_here(branch, prove, tmp_path):
    branch.write(_102_bad="COMMIT;", _102_two="SELECT 1;")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "bad")
    branch.remove("102_two.sql")
    branch.write(_102_bad="COMMIT;", _105_add=HARMLESS)
    problems = json.loads(prove("--json", code=1).out)["problems"]
    assert problems[-1]["code"] == "not_proven"
    assert all("main:" not in (p["location"] or {"file": ""})["file"] for p in problems)
