"""``lint --format`` and ``check --base --lint``: the reports that CI systems read."""

import json
from dataclasses import replace

import pytest

from tests.fixtures.git import Repository
from tests.fixtures.reports import annotations, commands, quality, sarif, validate_sarif

ADDED = """\
ALTER TABLE t ADD COLUMN b int;
ALTER TABLE t DROP COLUMN a CASCADE;

UPDATE t
SET b = 1;
"""
DROP = ("pgbraid drop-column", "migrations/104_w.sql", "2")
WORK = ("pgbraid work-under-lock", "migrations/104_w.sql", "4")


@pytest.fixture
def repository(tmp_path):
    made = Repository(tmp_path / "project")
    made.write("104_w.sql", ADDED)
    return made


@pytest.fixture
def run(program, repository, scratch_env):
    env = {**program.env, **scratch_env, "GIT_CEILING_DIRECTORIES": str(repository.path.parent)}
    return replace(program, cwd=repository.path, env=env)


def test_github_gets_an_annotation_for_each_finding(run):
    answer = run("lint", "--base", "main", "--format", "github", code=1)
    found = annotations(answer)
    assert ("error", *DROP) in found
    assert ("warning", *WORK) in found
    (work,) = [c for c in commands(answer) if c.properties["title"] == "pgbraid work-under-lock"]
    assert work.properties["endLine"] == "5"
    assert "every row of public.t is written while line 1 keeps readers and writers" in work.message
    assert "1 migration judged" in answer.out + answer.err


def test_gitlab_gets_a_code_quality_report(run):
    entries = quality(run("lint", "--base", "main", "--format", "gitlab", code=1))
    by_rule = {entry["check_name"]: entry for entry in entries}
    assert by_rule["drop-column"]["severity"] == "major"
    assert by_rule["work-under-lock"]["severity"] == "minor"
    assert by_rule["work-under-lock"]["location"] == {
        "path": "migrations/104_w.sql",
        "lines": {"begin": 4, "end": 5},
    }


def test_sarif_has_rules_levels_and_stable_fingerprints(run, repository):
    answer = run("lint", "--base", "main", "--format", "sarif", code=1)
    result = sarif(answer)
    levels = {r["ruleId"]: r["level"] for r in result["results"]}
    assert levels["drop-column"] == "error"
    assert levels["work-under-lock"] == "warning"
    titles = {r["id"]: r["shortDescription"]["text"] for r in result["tool"]["driver"]["rules"]}
    assert titles["drop-column"] == "A column is dropped"
    (work,) = [r for r in result["results"] if r["ruleId"] == "work-under-lock"]
    assert work["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "endLine": 5}

    def fingerprints(run_of_sarif):
        return {r["ruleId"]: r["partialFingerprints"] for r in run_of_sarif["results"]}

    repository.write("104_w.sql", f"-- one more line\n{ADDED}")
    moved = sarif(run("lint", "--base", "main", "--format", "sarif", code=1))
    assert fingerprints(moved) == fingerprints(result)
    validate_sarif(answer.out)  # skips without the schema


def test_check_of_a_branch_answers_no_for_a_grave_hazard(run, repository):
    answer = run("check", "--base", "main", "--lint", code=1)
    assert "drop-column: column a of public.t is dropped" in answer.out
    assert answer.out.rstrip().splitlines()[-1].startswith("no: ")
    document = run("check", "--base", "main", "--lint", "--json", code=1).json
    assert "drop-column" in {f["rule"] for f in document["hazards"]["findings"]}
    assert ("error", *DROP) in annotations(
        run("check", "--base", "main", "--lint", "--format", "github", code=1)
    )
    repository.write("104_w.sql", "ALTER TABLE t ADD COLUMN b int;\n")
    assert "yes: " in run("check", "--base", "main", "--lint", code=0).out


def test_check_with_lint_needs_base(run):
    assert "--lint needs --base" in run("check", "--lint", code=2).err


def test_sizes_of_the_committed_file_weigh_a_branch(run, repository):
    sizes = {"pgbraid_sizes": 1, "tables": {"public.t": {"rows": 10, "bytes": 8192}}}
    repository.path.joinpath("pgbraid.sizes.json").write_text(json.dumps(sizes))
    repository.write("104_w.sql", "CREATE INDEX ON t (a);\n")
    document = run("lint", "--base", "main", "--json", code=0).json
    assert [f["severity"] for f in document["findings"] if f["rule"] == "index-build"] == ["none"]
    assert document["sizes"]["from"] == "pgbraid.sizes.json"
