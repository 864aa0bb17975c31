"""`pgbraid wait` and `check --allow-newer`: exit codes, documents, signals."""

import signal

import pytest


@pytest.fixture
def two(folder):
    return folder.write(_1_a="CREATE TABLE a ()", _2_b="CREATE TABLE b ()")


def test_wait_ends_with_0_once_another_process_has_migrated(cli, two):
    run = cli.start("wait", "--timeout", "60s")
    assert run.stderr.readline() == "waiting: 2 migrations are not applied: 1_a, 2_b\n"
    cli("up", code=0)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert out.startswith("ready: 2 migrations applied; waited ")


def test_wait_that_times_out_lists_missing_migrations(cli, two):
    cli("up", "--to", "1", code=0)
    answer = cli("wait", "--timeout", "0", code=1)
    first, second = answer.out.splitlines()
    assert first.startswith("not ready: 1 migration is not applied: 2_b; waited ")
    assert second == "  2_b"


def test_document_of_wait(cli, two):
    cli("up", "--to", "1", code=0)
    document = cli("wait", "--timeout=0", "--json", code=1).json
    assert document["command"] == "wait"
    assert document["applied"] == 1
    assert document["missing"] == [{"version": 2, "name": "b"}]
    assert (document["newer"], document["problems"], document["asked"]) == ([], [], 1)
    assert document["reason"] == "1 migration is not applied: 2_b"
    assert document["waited_s"] >= 0
    cli("up", code=0)
    two.remove("1_a.sql")
    document = cli("wait", "--json", code=0).json
    assert (document["ok"], document["missing"], document["newer"]) == (True, [], [1])
    assert document["reason"] is None


def test_exact_wait_reports_version_without_file(cli, two):
    cli("up", code=0)
    two.remove("2_b.sql")
    assert "1 of them without a file here" in cli("wait", code=0).out
    answer = cli("wait", "--exact", "--timeout", "0", code=1)
    assert "2 (b) is applied, but has no file here" in answer.err
    assert answer.out.startswith("not ready: 2 (b) is applied, but has no file here; ")


def test_changed_file_ends_wait_with_1_at_once(cli, two):
    cli("up", code=0)
    two.write(_1_a="SELECT 1")
    assert "1_a was changed after it was applied" in cli("wait", code=1).err


def test_wrong_file_ends_wait_with_1_without_connection(program, two):
    two.put("02_b.sql", "SELECT 1")
    answer = program("wait", "--database", "postgresql://u@127.0.0.1:1/d", code=1)
    assert "version 2" in answer.err


def test_missing_server_ends_wait_with_4(program, two):
    answer = program(
        "wait", "--timeout", "100ms", "--database", "postgresql://u@127.0.0.1:1/d", code=4
    )
    assert answer.err.count("ERROR:  cannot connect to 127.0.0.1:1/d") == 1


@pytest.mark.parametrize(
    "words",
    [["--embedded"], ["--wait", "5s"], ["--timeout", "soon"], ["--timeout=-1"], ["--timeout="]],
    ids=" ".join,
)
def test_wrong_usage_ends_wait_with_2(program, two, words):
    program("wait", *words, code=2)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_signal_ends_wait(cli, two, number, code):
    run = cli.start("wait")
    run.stderr.readline()
    run.send_signal(number)
    _, err = run.communicate(timeout=30)
    assert run.returncode == code, err
    assert (
        err == "ERROR:  stopped\nHINT:  Run `pgbraid status` to see which versions are applied.\n"
    )


def test_signal_ends_wait_for_server(program, two):
    run = program.start("wait", "--database", "postgresql://u@127.0.0.1:1/d")
    assert run.stderr.readline().startswith("waiting: cannot connect to")
    run.terminate()
    run.communicate(timeout=30)
    assert run.returncode == 143


def test_check_of_newer_database(cli, two):
    two.write(_3_c="CREATE TABLE c ()")
    cli("up", code=0)
    two.remove("1_a.sql")
    two.remove("3_c.sql")
    cli("check", code=1)
    answer = cli("check", "--allow-newer", code=0)
    assert answer.out == "yes: 3 migrations applied, all files match; 2 without a file here.\n"
    assert answer.err == ""
    document = cli("check", "--allow-newer", "--json", code=0).json
    assert (document["newer"], document["problems"]) == ([1, 3], [])
    two.write(_4_d="CREATE TABLE d ()")
    assert "4_d is not applied" in cli("check", "--allow-newer", code=1).err


@pytest.mark.parametrize("words", [["--offline"], ["--base", "main"]], ids=" ".join)
def test_allow_newer_needs_database(program, two, words):
    answer = program("check", "--allow-newer", *words, code=2)
    assert "--allow-newer needs a database" in answer.err
