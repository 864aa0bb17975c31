"""Unusual files and folders: two with one version, empty, edited, renamed, missing."""

import os

import pytest


def test_two_branches_with_one_version_are_not_rename(cli, folder, database):
    folder.put("2_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.remove("2_a.sql")
    folder.put("2_b.sql", "CREATE TABLE b ()")
    answer = cli("up", code=1)
    assert answer.err.count("ERROR:") == 1
    assert "version 2 was applied as 'a'; 2_b.sql is another migration" in answer.err
    assert "HINT:  Rename 2_b.sql to the next free version, 3" in answer.err
    for words in (("repair", "2"), ("repair", "--all"), ("repair", "--rename", "--all")):
        refused = cli(*words, code=2)
        assert "2_b.sql is another migration" in refused.err
    assert database.rows("SELECT name FROM applied_migrations") == [("a",)]
    (folder.path / "2_b.sql").rename(folder.path / "3_b.sql")
    cli("up", code=0)
    assert database.value("SELECT to_regclass('b') IS NOT NULL")


def test_one_migration_renamed_and_edited_is_accepted_by_its_version(cli, folder, database):
    folder.put("2_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.remove("2_a.sql")
    folder.put("2_b.sql", "CREATE TABLE a (); -- why\nSELECT 1")
    assert "`pgbraid repair --rename 2`" in cli("up", code=1).err
    cli("repair", "--rename", "2", code=0)
    assert database.rows("SELECT name FROM applied_migrations") == [("b",)]
    cli("check", code=0)


def test_applied_one_of_two_files_is_named(cli, folder):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    folder.put("1_b.sql", "CREATE TABLE b ()")
    assert "DETAIL:  The applied migration is 'a': keep that file." in cli("up", code=1).err


@pytest.mark.parametrize("text", ["", " \n\t\r\n", "\ufeff", "-- todo\n/* and\nmore */"])
def test_new_file_without_statement_is_refused_before_anything_runs(cli, folder, database, text):
    folder.put("1_a.sql", "SELECT 1").put("2_b.sql", text)
    for words in (["check", "--offline"], ["plan"], ["up"]):
        answer = cli(*words, code=1)
        assert "migrations/2_b.sql:1:1: ERROR:  2_b.sql has no statement" in answer.err
        assert "HINT:  Write its SQL, or delete the file." in answer.err
    assert database.value("SELECT to_regclass('applied_migrations') IS NULL")
    folder.remove("2_b.sql")
    cli("up", code=0)
    assert database.versions() == [1]


def test_file_applied_as_empty_cannot_be_accepted_by_repair(cli, folder):
    folder.put("1_a.sql", "").put("2_b.sql", "SELECT 2")
    cli("up", code=0)
    folder.put("1_a.sql", "CREATE TABLE a ()")
    answer = cli("up", code=1)
    assert "none of it ran: put its text into a new migration" in answer.err
    assert "pgbraid repair" not in answer.err


@pytest.mark.parametrize("text", ["", "-- to be written"])
def test_empty_down_file_undoes_nothing(cli, folder, database, text):
    folder.put("1_a.up.sql", "SELECT 1").put("1_a.down.sql", text)
    assert cli("check", "--offline", code=0).err == ""
    cli("up", code=0)
    assert "1_a.down.sql has no statement" in cli("undo", "1", "--yes", code=1).err
    assert database.versions() == [1]


def test_down_files_are_looked_at_offline(cli, folder):
    folder.put("1_a.up.sql", "SELECT 1").put("1_a.down.sql", "SELECT 1;\nCOMMIT;")
    answer = cli("check", "--offline", code=0)
    assert "1_a.down.sql:2:1: WARNING:  COMMIT inside a migration" in answer.err


def test_open_quote_is_found_offline(cli, folder):
    folder.put("1_a.sql", "SELECT 1;\nSELECT 'open;\n")
    assert "1_a.sql:2:8: ERROR:  a quote or comment begins here and never ends" in (
        cli("check", "--offline", code=1).err
    )


def test_check_does_not_report_changed_file_as_unchanged(cli, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    cli("up", code=0)
    folder.put("1_a.sql", "SELECT 1 -- one")
    answer = cli("check", code=0)
    assert answer.out == (
        "yes: 1 migration applied, all files match; 1 changed in comments or white space.\n"
    )
    folder.put("1_a.sql", "SELECT 2")
    (tmp_path / "pgbraid.toml").write_text('verify = "warn"')
    cli("up", code=0)
    assert cli("check", code=1).out == "no: 1 problem.\n"
    (tmp_path / "pgbraid.toml").write_text('verify = "off"')
    assert cli("check", code=0).out == (
        "yes: 1 migration applied, all files match; their texts were not compared.\n"
    )


def test_first_change_of_empty_text_has_diff(cli, folder):
    folder.put("1_a.sql", "-- later").put("2_b.sql", "SELECT 2")
    cli("up", code=0)
    folder.put("1_a.sql", "CREATE TABLE a ()")
    assert "    +CREATE TABLE a ()" in cli("up", code=1).err


def test_pipe_in_folder_does_not_hang(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    os.mkfifo(folder.path / "2_b.sql")
    assert (
        "2_b.sql cannot be read: it is not a regular file" in cli("check", "--offline", code=1).err
    )


def test_plan_that_up_would_refuse_names_problem(cli, folder):
    folder.put("1_a.sql", "SELECT 1").put("2_b.sql", "COMMIT")
    out = cli("plan", code=1).out
    assert out.splitlines()[-1] == "up would refuse: 1 problem."


def test_empty_folder_fails_check(cli, folder):
    folder.path.mkdir()
    assert "WARNING:  no migration in migrations" in cli("up", code=0).err
    assert "WARNING:  no migration in migrations" in cli("check", "--offline", code=0).err
    (folder.path / "2024").mkdir()
    (folder.path / "2024" / "001_a.sql").touch()
    assert "sub-folders are not entered" in cli("up", code=0).err


def test_repair_all_mentions_renamed_files(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    cli("up", code=0)
    (folder.path / "1_a.sql").rename(folder.path / "1_b.sql")
    out = cli("repair", "--all", code=0).out
    assert out == "  1_b: has another name; accept it with --rename\nNothing repaired.\n"
    assert [m["state"] for m in cli("status", "--json", code=0).json["migrations"]] == ["renamed"]


def test_untried_migration_is_no_error_of_dry_run(cli, folder):
    folder.write(_1_a="CREATE TYPE mood AS ENUM ('ok')")
    cli("up", code=0)
    folder.write(_2_b="ALTER TYPE mood ADD VALUE 'sad'", _3_c="SELECT 'sad'::mood")
    answer = cli("up", "--dry-run", code=0)
    assert "ERROR" not in answer.err
    assert "migrations/3_c.sql:1:8: WARNING:" in answer.err
    document = cli("up", "--dry-run", "--json", code=0).json
    assert (document["applied"], [m["version"] for m in document["would_apply"]]) == ([], [2])
