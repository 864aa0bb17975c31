"""``pgbraid sum`` and ``check --sum``, as a user runs them."""

import re
import shutil
import subprocess

import pytest


@pytest.fixture
def summed(program, folder):
    folder.put("1_a.up.sql", "CREATE TABLE a ()").put("1_a.down.sql", "DROP TABLE a")
    folder.put("2_b.sql", "CREATE TABLE b ()")
    answer = program("sum", code=0)
    assert (answer.out, answer.err) == ("migrations/pgbraid.sum lists 3 files.\n", "")
    return folder


def test_list_is_compared_with_and_without_database(cli, summed):
    listed = (summed.path / "pgbraid.sum").read_text()
    assert re.fullmatch(
        r"[0-9a-f]{64}  1_a\.down\.sql\n[0-9a-f]{64}  1_a\.up\.sql\n[0-9a-f]{64}  2_b\.sql\n",
        listed,
    )
    assert cli("check", "--offline", "--sum", code=0).out == (
        "yes: no problem in the files would stop a run.\nThe files match pgbraid.sum.\n"
    )
    cli("up", code=0)
    assert cli("check", "--sum", code=0).out == (
        "yes: 2 migrations applied, all files match, unchanged.\nThe files match pgbraid.sum.\n"
    )
    summed.put("1_a.down.sql", "DROP TABLE a CASCADE")
    cli("check", code=0)
    answer = cli("check", "--sum", "--json", code=1).json
    assert (answer["answer"], answer["checksum_file_compared"]) == ("no", True)
    assert [(p["code"], p["versions"]) for p in answer["problems"]] == [("sum_changed", [1])]


def test_every_difference_is_shown_with_its_place(program, summed):
    text = (summed.path / "pgbraid.sum").read_text()
    summed.put("2_b.sql", "CREATE TABLE c ()").put("3_c.sql", "SELECT 1").remove("1_a.down.sql")
    summed.put("pgbraid.sum", text + "nonsense\n")
    answer = program("check", "--offline", "--sum", code=1)
    assert answer.out == "no: 4 problems.\n"
    heads = [line for line in answer.err.splitlines() if "ERROR:" in line]
    assert heads == [
        "migrations/2_b.sql: ERROR:  2_b.sql differs from its checksum in pgbraid.sum",
        "migrations/3_c.sql: ERROR:  3_c.sql is not in pgbraid.sum",
        "migrations/pgbraid.sum:1: ERROR:  1_a.down.sql is in pgbraid.sum, but is not a migration "
        "in this folder",
        "migrations/pgbraid.sum:4: ERROR:  the line is not a sha256, two spaces and a file name",
    ]
    assert answer.err.count("HINT:") == 4


def test_without_list_answer_is_no_and_names_command(program, folder):
    folder.write(_1_a="SELECT 1")
    answer = program("check", "--offline", "--sum", code=1)
    assert answer.err == (
        "ERROR:  there is no pgbraid.sum in migrations\n"
        "HINT:  Write it with `pgbraid sum`, and commit it with the migrations.\n"
    )
    program("check", "--offline", code=0)


def test_unresolved_conflict_is_named_until_file_is_rewritten(program, summed):
    text = (summed.path / "pgbraid.sum").read_text()
    summed.put("pgbraid.sum", f"<<<<<<< HEAD\n{text}=======\n>>>>>>> theirs\n")
    answer = program("check", "--offline", "--sum", code=1)
    assert answer.err.startswith(
        "migrations/pgbraid.sum:1: ERROR:  pgbraid.sum has an unresolved merge conflict\n"
    )
    program("sum", code=0)
    assert (summed.path / "pgbraid.sum").read_text() == text


def test_files_that_cannot_run_are_not_listed(program, summed):
    before = (summed.path / "pgbraid.sum").read_text()
    summed.put("2_c.sql", "SELECT 1")
    assert "version 2 has 2 files" in program("sum", code=1).err
    document = program("sum", "--json", code=1).json
    assert document["error"]["problems"][0]["code"] == "duplicate_version"
    assert (summed.path / "pgbraid.sum").read_text() == before


def test_near_misses_are_reported_and_not_listed(program, folder):
    folder.write(_1_a="SELECT 1").put("V2__b.sql", "SELECT 2")
    answer = program("sum", code=0)
    assert answer.out == "migrations/pgbraid.sum lists 1 file.\n"
    assert "WARNING:  V2__b.sql looks like a migration" in answer.err
    assert program("sum", "-q", code=0).err == ""


def test_folder_that_is_missing_is_usage_error(program):
    assert "does not exist" in program("sum", code=2).err


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git here")
def test_additions_of_two_branches_merge_without_conflict(program, folder):
    def git(*words):
        who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(
            ["git", *who, *words], cwd=folder.path, check=True, capture_output=True, timeout=60
        )

    def commit(number):
        folder.put(f"{number}_m.sql", f"SELECT {number}")
        program("sum", code=0)
        git("add", ".")
        git("commit", "-m", str(number))

    folder.write(**{f"_{n}_m": f"SELECT {n}" for n in range(1, 10, 2)})
    git("init", "-b", "main")
    commit(11)
    git("checkout", "-b", "other")
    commit(2)
    git("checkout", "main")
    commit(8)
    git("merge", "other")
    program("check", "--offline", "--sum", code=0)
    folder.put(".gitattributes", "pgbraid.sum merge=union\n")  # for neighbours, as documented
    commit(20)
    git("checkout", "-b", "third")
    commit(21)
    git("checkout", "main")
    commit(22)
    git("merge", "third")
    program("check", "--offline", "--sum", code=0)
