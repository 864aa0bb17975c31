"""Every JSON document has exactly the members that docs/json.md gives it."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
SECTIONS = {
    part.partition("\n")[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
}
HEAD = {"format", "command", "ok", "exit_code", "settings"}


def members(section):
    """Return the members that a section's table documents."""
    rows = re.findall(r"^\| (`[^|]*`) \|", SECTIONS[section], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def own_members(document):
    return set(document) - HEAD - {"notices", "retries"}


@pytest.fixture
def applied(cli, folder):
    folder.put("1_a.up.sql", "DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
    folder.put("1_a.down.sql", "SELECT 1")
    folder.put("2_b.sql", "SELECT 2")
    return folder


def test_every_answer_is_documented(cli, applied):
    up = cli("up", "--json", code=0).json
    assert own_members(up) == members("up")
    (notice,) = up["notices"]
    assert (notice["version"], notice["severity"], notice["message"]) == (1, "NOTICE", "hello")
    assert own_members(cli("up", "--dry-run", "--json", code=0).json) == members("up")
    for command in ("plan", "status", "check"):
        assert own_members(cli(command, "--json", code=0).json) == members(command)
    assert own_members(cli("check", "--offline", "--json", code=0).json) == members("check")
    assert own_members(cli("sum", "--json", code=0).json) == members("sum")
    assert own_members(cli("check", "--sum", "--json", code=0).json) == members("check")
    applied.put("2_b.sql", "SELECT 2 -- two")
    repair = cli("repair", "--all", "--json", code=0).json
    assert own_members(repair) == members("repair")
    assert set(repair["repaired"][0]) == {
        *("version", "name", "file", "change", "old_checksum", "checksum", "old_name")
    }
    undone = cli("undo", "1", "--yes", "--json", code=0).json
    assert own_members(undone) == members("undo")
    assert undone["undone"]["file"] == "migrations/1_a.down.sql"
    assert own_members(cli("new", "c", "--json", code=0).json) == members("new")


def test_every_member_of_renumber_is_documented(program, branch):
    renamed = program("renumber", "--base", "main", "--json", code=0).json
    assert own_members(renamed) == members("renumber")


def test_every_adoption_is_documented(cli, applied, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (2, false)"
    )
    adopted = cli("adopt", "--json", code=0).json
    unadopted = cli("adopt", "--not-applied", "1", "--json", code=0).json
    dropped = cli("adopt", "--drop-tracker", "--json", code=0).json
    assert own_members(adopted) | own_members(unadopted) | own_members(dropped) == members("adopt")
    assert set(adopted["adopted"]) == {
        *("tool", "source", "versions", "not_applied", "verified", "problems", "note")
    }
    assert (unadopted["unadopted"], dropped["dropped"]) == ([1], "public.schema_migrations")


def test_every_failure_is_documented(cli, folder):
    folder.put("1_a.sql", "SELECT 1;\nSELECT emial")
    failed = cli("up", "--json", code=3).json
    assert own_members(failed) == {"applied", "error", "warnings"}
    assert set(failed["error"]) == members("Failures") - {"proof"}
    refused = cli("up", "--to", "9", "--json", code=2).json["error"]
    assert refused["type"] == "ConfigError"
    assert set(refused) == members("Failures") - {
        *("migration", "diagnostic", "incomplete", "statements_completed", "proof"),
    }
    diagnostic = failed["error"]["diagnostic"]
    assert set(diagnostic) == {
        *("severity", "sqlstate", "message", "detail", "hint", "context", "location")
    }
    folder.put("1_a.sql", "COMMIT")
    (problem,) = cli("up", "--json", code=1).json["error"]["problems"]
    assert set(problem) == {
        *("code", "severity", "message", "detail", "hint", "location", "versions", "diff")
    }


def test_every_proof_is_documented(cli, folder, server, database):
    database.as_made()
    scratch = {"PGBRAID_SCRATCH_URL": server}
    folder.put("1_a.sql", "CREATE TABLE t (a int);").put("3_c.sql", "COMMENT ON TABLE t IS 'c'")
    cli("up", code=0)
    folder.put("2_b.sql", "COMMENT ON TABLE t IS 'b'")
    proof = cli("prove", "--json", env=scratch, code=1).json
    assert own_members(proof) == members("prove")
    refused = cli("up", "--gaps", "prove", "--json", env=scratch, code=1).json["error"]
    assert refused["type"] == "NotProven"
    assert set(refused["proof"]) == members("prove")
    drift = cli("drift", "--json", env=scratch, code=0).json
    assert own_members(drift) == members("drift")
    assert set(cli("snapshot", "--json", code=0).json) & members("snapshot")
    assert own_members(cli("sizes", "--json", code=0).json) == members("sizes")
