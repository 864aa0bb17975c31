"""``squash`` in a process of its own: what it prints, and what it does to the folder."""

import json
from dataclasses import replace

import pytest

from pgbraid.model.errors import ConfigError
from pgbraid.postgres.scratch.dump import find_dumper
from pgbraid.prove import squash_files
from pgbraid.source.checksum_file import write_checksum_file
from pgbraid.source.loader import load_migrations
from tests.fixtures.git import git

TABLE = "CREATE TABLE t (id int);\n"
ROWS = "INSERT INTO t VALUES (1), (2);\n"


@pytest.fixture
def three(folder, tmp_path, programs, program):
    """A committed folder with 101 to 103, and a down file of 102."""
    folder.write(_101_t=TABLE, _102_rows=ROWS, _103_later="CREATE TABLE later (id int);\n")
    folder.put("102_rows.down.sql", "DELETE FROM t;\n")
    program.env["PGBRAID_PG_BIN"] = programs
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path)
    return folder


def commit(path):
    git(path, "add", "-A")
    git(path, "commit", "-qm", "x")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def test_squash_replaces_files_and_says_what_to_do(three, program):
    answer = program("squash", "--to", "102", code=0)
    assert answer.out.startswith("same: the baseline gives the schema and rows of 2 migrations")
    assert "Wrote migrations/102_baseline.sql and deleted 3 files." in answer.out
    assert sorted(content(three)) == ["102_baseline.sql", "103_later.sql"]
    assert program("check", "--offline", code=0).out.startswith("yes")


def test_dry_run_changes_nothing(three, program):
    before = content(three)
    answer = program("squash", "--to", "102", "--dry-run", "--name", "start", code=0)
    assert "Would write migrations/102_start.sql and delete 3 files" in answer.out
    assert content(three) == before


def test_json_has_text_and_files(three, program):
    answer = program("squash", "--to", "102", "--json", code=0).json
    assert (answer["command"], answer["same"], answer["dry_run"]) == ("squash", True, False)
    assert answer["baseline"]["text"] == (three.path / "102_baseline.sql").read_text()
    assert answer["baseline"]["file"] == "migrations/102_baseline.sql"
    assert [m["version"] for m in answer["replaced"]] == [101, 102]
    assert answer["deleted"] == [
        f"migrations/{name}" for name in ("101_t.sql", "102_rows.sql", "102_rows.down.sql")
    ]
    lists = ("differences", "lost", "without_effect", "frozen", "not_compared", "provided")
    assert {name: answer[name] for name in lists} == {name: [] for name in lists}
    assert answer["failure"] is None
    assert answer["history_ms"] > 0
    assert answer["baseline_ms"] > 0


def test_difference_is_printed_and_nothing_is_written(three, program, tmp_path):
    three.write(_102_rows="COMMENT ON EXTENSION plpgsql IS 'mine';")
    commit(tmp_path)
    before = content(three)
    answer = program("squash", "--to", "102", code=1)
    assert "comment on extension plpgsql\n    migrations: value mine" in answer.out
    assert "Nothing was written." in " ".join(answer.out.split())
    assert content(three) == before


def test_baseline_that_fails_is_shown_and_nothing_is_written(three, program, tmp_path):
    """The function finds its table only with the search_path that the migration has set."""
    three.write(
        _102_rows="CREATE SCHEMA s; CREATE TABLE s.x AS SELECT 1;"
        "CREATE FUNCTION f() RETURNS boolean LANGUAGE plpgsql AS"
        " 'BEGIN RETURN EXISTS (SELECT FROM x); END'; SET search_path = s, public;"
        "CREATE TABLE u (id int CHECK (f())); INSERT INTO u VALUES (1);"
    )
    commit(tmp_path)
    before = content(three)
    answer = program("squash", "--to", "102", code=1)
    assert "102_baseline fails:\n  102_baseline.sql:" in answer.out
    assert 'relation "x" does not exist' in answer.out
    assert content(three) == before


def test_uncommitted_file_is_refused_without_force(three, program):
    three.write(_101_t=TABLE + "-- more\n")
    three.write(_103_later="CREATE TABLE other (id int);\n")
    answer = program("squash", "--to", "102", code=2)
    assert "the replaced files must be committed: 101_t.sql" in answer.err
    assert "103_later" not in answer.err
    program("squash", "--to", "102", "--force", code=0)


def test_untracked_and_ignored_files_are_refused(three, program, tmp_path):
    three.put("100_new.sql", "SELECT 1;")
    three.put("101_t.down.sql", "SELECT 1;")
    (tmp_path / ".gitignore").write_text("*.down.sql\n")
    answer = program("squash", "--to", "102", code=2)
    assert "100_new.sql, 101_t.down.sql" in answer.err


def test_folder_without_repository_is_accepted(folder, program, programs, tmp_path):
    folder.write(_101_t=TABLE, _102_rows=ROWS)
    env = {"PGBRAID_PG_BIN": programs, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    program("squash", "--to", "102", env=env, code=0)
    assert sorted(content(folder)) == ["102_baseline.sql"]


def test_checksum_file_is_written_again(three, program, tmp_path):
    program("sum", code=0)
    commit(tmp_path)
    program("squash", "--to", "102", code=0)
    names = [line.split()[1] for line in (three.path / "pgbraid.sum").read_text().splitlines()]
    assert names == ["102_baseline.sql", "103_later.sql"]
    assert program("check", "--offline", "--sum", code=0)


def test_outdated_checksum_file_is_refused(three, program, tmp_path):
    program("sum", code=0)
    three.write(_103_later="CREATE TABLE other (id int);\n")
    commit(tmp_path)
    answer = program("squash", "--to", "102", code=1)
    assert "103_later.sql differs from its checksum" in answer.err
    assert "102_baseline.sql" not in content(three)


def test_origin_file_keeps_keys_of_replaced_versions(three, program, tmp_path):
    origin = {"format": 1, "tool": "flyway", "migrations": []}
    three.put("pgbraid.origin.json", json.dumps(origin))
    commit(tmp_path)
    program("squash", "--to", "102", code=0)
    assert json.loads((three.path / "pgbraid.origin.json").read_text()) == origin


def test_missing_pg_dump_is_named_with_its_package(scratch):
    with pytest.raises(ConfigError, match=r"no pg_dump of PostgreSQL 99 or later") as caught:
        find_dumper(replace(scratch, version="99.1"), None)
    assert "is of version" in caught.value.detail
    assert "such as the package postgresql-client-99" in caught.value.hint


def test_check_of_squashed_branch_names_it(three, program, tmp_path):
    git(tmp_path, "checkout", "-qb", "squash")
    program("squash", "--to", "102", code=0)
    answer = program("check", "--offline", "--base", "main", code=0)
    assert "102_baseline replaces 2 versions of main" in answer.err


@pytest.mark.parametrize("step", ["rename", "open", "write_checksum_file"])
def test_error_while_writing_leaves_folder_as_it_was(folder, monkeypatch, step):
    folder.write(_101_t=TABLE, _102_rows=ROWS, _103_later="SELECT 1;")
    write_checksum_file(folder.path, load_migrations(folder.path))
    before = content(folder)
    migrations = load_migrations(folder.path)

    def fails(path, *words, **options):
        if step == "rename" and path.name != "102_rows.sql":
            return rename(path, *words)
        raise OSError(28, "No space left on device")

    rename = squash_files.Path.rename
    target = squash_files if step == "write_checksum_file" else squash_files.Path
    monkeypatch.setattr(target, step, fails)
    with pytest.raises((OSError, ConfigError), match="No space left"):
        squash_files.replace_files(migrations, migrations.migrations[:2], "102_b.sql", "SELECT 1;")
    monkeypatch.undo()
    assert content(folder) == before


def test_file_that_changed_during_proof_is_refused(folder):
    folder.write(_101_t=TABLE, _102_rows=ROWS)
    migrations = load_migrations(folder.path)
    folder.write(_101_t="SELECT 2;")
    before = content(folder)
    with pytest.raises(ConfigError, match=r"101_t\.sql was changed while"):
        squash_files.replace_files(migrations, migrations.migrations, "102_b.sql", "SELECT 1;")
    assert content(folder) == before


def test_databases_after_and_before_cut(three, cli, program, tmp_path):
    cli("up", "--to", "101", code=0)
    program("squash", "--to", "102", code=0)
    refused = cli("up", code=1)
    assert "102_baseline.sql: ERROR:  102_baseline replaces 2 versions" in refused.err
    assert "it lacks 102" in refused.err
    assert "HINT:  Deploy the last release before the squash" in refused.err
    git(tmp_path, "stash", "-u")
    cli("up", code=0)
    git(tmp_path, "stash", "pop")
    assert cli("up", code=0).out == "Nothing to do: 2 migrations applied.\n"
    assert cli("check", code=0).out.startswith("yes: 2 migrations applied, all files match; 1")
    lines = [line.split("|") for line in cli("status", code=0).out.splitlines()]
    states = {cells[0].strip(): cells[2].strip() for cells in lines if len(cells) > 3}
    assert {v: states[v] for v in ("101", "102", "103")} == {
        "101": "replaced",
        "102": "applied",
        "103": "applied",
    }
    rows = cli("status", "--json", code=0).json["migrations"]
    assert [(row["version"], row["state"], row["file"]) for row in rows][:2] == [
        (101, "replaced", None),
        (102, "applied", "migrations/102_baseline.sql"),
    ]


def test_check_of_branch_proves_its_baseline(three, program, tmp_path, scratch_env):
    git(tmp_path, "checkout", "-qb", "squash")
    program("squash", "--to", "102", code=0)
    words = ("check", "--offline", "--base", "main", "--prove")
    assert "102_baseline gives the result of the 2 that it replaces" in (
        program(*words, env=scratch_env, code=0).out
    )
    path = three.path / "102_baseline.sql"
    path.write_text(path.read_text().replace("integer", "bigint"))
    answer = program(*words, env=scratch_env, code=1)
    assert "column public.t.id" in answer.out
    assert "102_baseline does not give the result of the 2 migrations" in answer.err
