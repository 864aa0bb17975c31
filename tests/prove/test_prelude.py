"""The prelude: what a platform provides before the first migration, on every scratch database."""

import json
import re

import pytest

import pgbraid
from pgbraid.model.proof import Verdict

PRELUDE = """
CREATE SCHEMA auth;
CREATE TABLE auth.users (id int PRIMARY KEY);
"""
ROLE = "CREATE ROLE pgbraid_prelude_reader;\n"
FIRST = "CREATE TABLE q (i int);"
SECOND = "CREATE TABLE p (id int REFERENCES auth.users (id));"
THIRD = "CREATE VIEW v AS SELECT * FROM q;"


@pytest.fixture
def temporary_server(programs, monkeypatch):
    """Replay on a temporary server."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    monkeypatch.delenv("PGBRAID_SCRATCH_URL", raising=False)


@pytest.fixture
def platform(folder, temporary_server, database, tmp_path):
    """A folder that refers to a platform's table, and a database of that platform."""
    database.run(PRELUDE + "ALTER TABLE auth.users ADD email text;")
    folder.write(_001_q=FIRST, _002_p=SECOND)
    (tmp_path / "scratch.sql").write_text(PRELUDE)
    return folder


def settled(tmp_path, prelude="scratch.sql"):
    (tmp_path / "pgbraid.toml").write_text(f"prelude = {prelude!r}\n".replace("'", '"'))


def test_prelude_is_run_before_both_orders_of_proof(platform, tmp_path):
    proof = platform.load(settings=False).prove(history=[2, 1])
    assert proof.verdict is Verdict.NOT_REPLAYED
    assert not proof.ok
    assert proof.recorded_failure.diagnostic.message == 'schema "auth" does not exist'
    migrator = platform.load(settings=False, prelude=str(tmp_path / "scratch.sql"))
    assert migrator.prove(history=[2, 1]).verdict is Verdict.SAME
    platform.write(_003_view=THIRD, _004_k="ALTER TABLE q ADD k int;")
    migrator = platform.load(settings=False, prelude=str(tmp_path / "scratch.sql"))
    proof = migrator.prove(history=[1, 2, 4, 3])
    assert (proof.pair.first.version, proof.pair.second.version) == (4, 3)


def test_prelude_is_run_before_gaps_are_proven(platform, database, tmp_path):
    settled(tmp_path)
    platform.remove("001_q.sql")
    platform.load(settings=tmp_path / "pgbraid.toml", gaps="prove").up(database.conninfo)
    platform.write(_001_q=FIRST)
    with pytest.raises(pgbraid.NotProven, match="cannot be replayed") as caught:
        platform.load(settings=False, gaps="prove").up(database.conninfo)
    assert "setting `prelude`" in caught.value.hint
    migrator = platform.load(settings=tmp_path / "pgbraid.toml", gaps="prove")
    assert [o.migration.version for o in migrator.up(database.conninfo).applied] == [1]


def test_prelude_is_no_drift_and_is_reported_as_not_compared(platform, database, tmp_path):
    settled(tmp_path)
    without = platform.load(settings=False)
    without.up(database.conninfo)
    with pytest.raises(pgbraid.ServerError, match="history cannot be replayed: 002_p") as caught:
        without.drift(database.conninfo)
    assert "setting `prelude`" in caught.value.hint
    migrator = platform.load(settings=tmp_path / "pgbraid.toml")
    drifted = migrator.drift(database.conninfo)
    assert [d.name for d in drifted.differences] in (
        [],
        ["schema public"],  # before PostgreSQL 15, the fixture changes its privileges
    )
    assert "schema auth: the prelude creates it" in drifted.not_compared
    database.run("ALTER TABLE p ADD by_hand int")
    changed = migrator.drift(database.conninfo, ignore="schema public")
    assert [d.name for d in changed.differences] == ["column public.p.by_hand"]


def test_prelude_in_schema_public_is_reported_as_not_compared(
    folder, temporary_server, database, tmp_path
):
    """Objects of a prelude in public are reported, too."""
    stub = "CREATE TABLE versions (n int); CREATE INDEX vi ON versions (n);"
    database.run(f"{stub} ALTER TABLE versions ADD data int;")
    (tmp_path / "scratch.sql").write_text(stub)
    folder.write(_001_q="ALTER TABLE versions ALTER n SET NOT NULL;")
    migrator = folder.load(settings=False, prelude=str(tmp_path / "scratch.sql"))
    migrator.up(database.conninfo)
    drifted = migrator.drift(database.conninfo, ignore="schema public")
    assert drifted.differences == ()
    assert drifted.not_compared == ("table public.versions: the prelude creates it",)


def test_comment_on_public_is_compared_although_there_is_prelude(platform, database, tmp_path):
    migrator = platform.load(settings=False, prelude=str(tmp_path / "scratch.sql"))
    migrator.up(database.conninfo)
    database.run("COMMENT ON SCHEMA public IS 'by hand'")
    names = [d.name for d in migrator.drift(database.conninfo).differences]
    assert "comment on schema public" in names


@pytest.mark.parametrize("name", ["see auth.users rows", "rows in schema auth", "e.g. any"])
def test_name_like_sentence_is_not_treated_as_schema(platform, database, tmp_path, name):
    """Row security policies often have such names."""
    platform.write(_003_policy=f'CREATE POLICY "{name}" ON q USING (true);')
    migrator = platform.load(settings=False, prelude=str(tmp_path / "scratch.sql"))
    migrator.up(database.conninfo)
    database.run(f'ALTER POLICY "{name}" ON q USING (false)')
    expected = [f'policy "{name}" on public.q']
    for only in ((), "public"):
        drifted = migrator.drift(database.conninfo, ignore="schema public", only_schemas=only)
        assert [d.name for d in drifted.differences] == expected


def test_prelude_is_no_part_of_snapshot_of_files(platform, cli, tmp_path):
    answer = cli("snapshot", "--files", code=4)
    assert 'schema "auth" does not exist' in answer.err
    settled(tmp_path)
    text = cli("snapshot", "--files", code=0).out
    assert "[table public.p]" in text
    assert "REFERENCES auth.users(id)" in text
    assert re.findall(r"^\[.*auth.*\]$", text, re.MULTILINE) == []


def test_prelude_is_run_once_in_embedded_database(platform, program, programs, tmp_path):
    env = {"PGBRAID_PG_BIN": programs}
    answer = program("up", "--embedded", env=env, code=3)
    assert 'schema "auth" does not exist' in answer.err
    settled(tmp_path)
    assert "2 migrations applied" in program("up", "--embedded", env=env, code=0).out
    for words in (("up",), ("up",), ("check",)):
        program(*words, "--embedded", "kept", env=env, code=0)
    platform.write(_003_q="INSERT INTO auth.users VALUES (1);")
    assert "1 migration applied" in program("up", "--embedded", "kept", env=env, code=0).out


def test_prelude_names_roles_and_rights_for_role_that_migrates(
    platform, program, programs, tmp_path
):
    settled(tmp_path)
    (tmp_path / "scratch.sql").write_text(
        ROLE + PRELUDE + "GRANT USAGE ON SCHEMA auth TO deploy;"
        "GRANT REFERENCES ON auth.users TO deploy;"
    )
    platform.write(_003_g="GRANT SELECT ON q TO pgbraid_prelude_reader;")
    env = {"PGBRAID_PG_BIN": programs}
    answer = program("up", "--embedded", "--role", "deploy", env=env, code=0)
    assert "3 migrations applied" in answer.out
    assert "created the role" not in answer.err


def test_prelude_that_fails_is_named_with_its_line(platform, cli, programs, tmp_path):
    (tmp_path / "history.json").write_text("[2, 1]")
    (tmp_path / "scratch.sql").write_text(f"{PRELUDE}\nSELECT\n  nosuch;\n")
    settled(tmp_path)
    cli("up", code=0)
    for words in (
        ("prove", "--history", "history.json"),
        ("drift",),
        ("snapshot", "--files"),
        ("up", "--embedded"),
        ("up", "--embedded", "--json"),
    ):
        env = {"PGBRAID_DATABASE_URL": ""} if "--embedded" in words else {}
        answer = cli(*words, env={"PGBRAID_PG_BIN": programs, **env}, code=2)
        message = answer.json["error"]["message"] if "--json" in words else answer.err
        assert 'scratch.sql:6: the prelude fails: column "nosuch" does not exist' in message


def test_prelude_that_is_missing_is_error_where_it_is_needed(platform, cli, tmp_path):
    settled(tmp_path, "nowhere.sql")
    cli("up", code=0)
    answer = cli("drift", code=2)
    assert "cannot read the prelude nowhere.sql: No such file" in answer.err
    assert "relative to the settings file's folder" in answer.err
    (tmp_path / "nowhere.sql").write_bytes(b"SELECT '\xff'")
    assert "cannot read the prelude nowhere.sql: it is not UTF-8" in cli("drift", code=2).err


def test_prelude_counts_from_folder_of_settings_file(platform, cli, tmp_path):
    settled(tmp_path)
    with (tmp_path / "pgbraid.toml").open("a") as file:
        file.write('dir = "migrations"\n')
    (tmp_path / "below").mkdir()
    (tmp_path / "history.json").write_text(json.dumps([2, 1]))
    below = type(cli)(tmp_path / "below", cli.env)
    answer = below("prove", "--history", "../history.json", code=0)
    assert answer.out.startswith("same: ")


def test_prelude_may_not_change_server_of_others(platform, server, monkeypatch, tmp_path):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    path = tmp_path / "scratch.sql"
    migrator = platform.load(settings=False, prelude=str(path))
    assert migrator.prove(history=[2, 1]).verdict is Verdict.SAME
    path.write_text(ROLE + PRELUDE)
    with pytest.raises(pgbraid.ConfigError, match="changes what the databases of") as caught:
        migrator.prove(history=[2, 1])
    assert "role pgbraid_prelude_reader" in caught.value.detail
