"""Each command, as a user runs it."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from pgbraid import __version__
from pgbraid.cli.command_list import COMMANDS
from pgbraid.model.migration import LedgerTable


@pytest.fixture
def incident(folder):
    """101, 102 and 104; 103 comes later."""
    folder.write(
        _101_users="CREATE TABLE users (id int)",
        _102_orders="CREATE TABLE orders (id int)",
        _104_index="CREATE INDEX ON orders (id)",
    )
    return folder


def late(folder):
    folder.write(_103_add_email="ALTER TABLE users ADD email text")


def test_the_incident(cli, incident):
    answer = cli("up", code=0)
    assert re.fullmatch(
        r"  101_users +[\d.]+ ms\n  102_orders +[\d.]+ ms\n  104_index +[\d.]+ ms\n"
        r"3 migrations applied in [\d.]+ ms\.\n",
        answer.out,
    )
    assert cli("up", code=0).out == "Nothing to do: 3 migrations applied.\n"
    late(incident)
    assert cli("check", code=1).err == (
        "ERROR:  103_add_email is not applied, although a higher version is\n"
        "HINT:  Apply it with `pgbraid up`.\n"
    )
    assert cli("plan", code=0).out == (
        " version |   name    | state\n"
        "---------+-----------+-------\n"
        "     103 | add_email | gap\n"
        "1 migration to apply, 1 gap among them.\n"
    )
    assert re.search(
        r"  103_add_email  gap +[\d.]+ ms\n1 migration applied \(1 gap\)", cli("up", code=0).out
    )
    assert cli("check", code=0).out == "yes: 4 migrations applied, all files match, unchanged.\n"


def test_status_is_a_table_as_psql_prints_it(cli, incident):
    cli("up", code=0)
    late(incident)
    incident.write(_105_x="--", _104_index="CREATE INDEX other ON orders (id)").remove(
        "101_users.sql"
    )
    lines = cli("status", code=0).out.splitlines()
    assert lines[0].split("|")[0].strip() == "version"
    assert re.fullmatch(r"-+\+-+\+-+\+-+", lines[1])
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[2:-1]]
    assert [row[:3] for row in cells] == [
        ["101", "users", "missing file"],
        ["102", "orders", "applied"],
        ["103", "add_email", "gap"],
        ["104", "index", "modified"],
        ["105", "x", "pending"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d(?::\d\d)?", cells[0][3])
    assert lines[-1] == "(5 versions: 1 applied, 1 pending, 1 gap, 1 modified, 1 missing file)"


def test_json_names_the_gaps(cli, incident):
    cli("up", code=0)
    late(incident)
    plan = cli("plan", "--json", code=0).json
    gap = {
        "version": 103,
        "name": "add_email",
        "file": "migrations/103_add_email.sql",
        "gap": True,
        "incomplete": False,
    }
    assert (plan["gaps"], plan["pending"]) == ([gap], [gap])
    states = cli("status", "--json", code=0).json["migrations"]
    assert [row["state"] for row in states] == ["applied", "applied", "gap", "applied"]
    up = cli("up", "--json", code=0).json
    assert [(m["version"], m["gap"]) for m in up["applied"]] == [(103, True)]


def test_an_error_reads_as_psql_prints_it(cli, folder):
    folder.put(
        "1_a.sql",
        "CREATE TABLE users (id int);\r\n-- 日本\r\n\tSELECT 'é日' AS x, emial\r\n  FROM users;",
    )
    answer = cli("up", code=3)
    assert answer.err == (
        'migrations/1_a.sql:3:20: ERROR:  column "emial" does not exist\n'
        "LINE 3:  SELECT 'é日' AS x, emial\n"
        "                            ^\n"
        "1_a was rolled back; nothing was applied. Fix the file, then run `pgbraid up` again.\n"
    )
    assert "ERROR:  42703: column" in cli("up", "-v", code=3).err


def test_a_long_line_is_cut_round_the_error(cli, folder):
    folder.put("1_a.sql", "SELECT " + "1, " * 100 + "emial, " + "2, " * 99 + "2")
    lines = cli("up", code=3).err.splitlines()
    assert lines[1].startswith("LINE 1: ...")
    assert lines[1].endswith("...")
    assert len(lines[1]) < 100
    assert lines[1][lines[2].index("^") :].startswith("emial")


def test_detail_hint_context_and_notices_are_shown(cli, folder):
    folder.put(
        "1_a.sql",
        "DO $$ BEGIN RAISE NOTICE 'look\there'; RAISE EXCEPTION 'no' USING DETAIL = 'd', HINT ="
        " 'h'; END $$",
    )
    err = cli("up", code=3).err.splitlines()
    assert err[0] == "migrations/1_a.sql: NOTICE:  look\there"
    assert [line.split(":")[0] for line in err[1:6]] == [
        "migrations/1_a.sql",
        "LINE 1",
        "DETAIL",
        "HINT",
        "CONTEXT",
    ]


def test_terminal_controls_in_names_and_messages_are_shown_not_obeyed(cli, folder):
    folder.put("1_a\x1b[31m.sql", "DO $$ BEGIN RAISE NOTICE E'x\\x1b]0;title\\x07'; END $$")
    answer = cli("up", code=0)
    assert "\x1b" not in answer.out + answer.err
    assert "\\x1b" in answer.out


def test_up_to_and_dry_run(cli, incident, database):
    late(incident)
    assert "2 migrations left above --to." in cli("up", "--to", "102", code=0).out
    dry = cli("up", "--dry-run", code=0)
    assert "Dry run: 2 of 2 migrations ran, 0 failed; nothing was kept." in dry.out
    assert database.versions() == [101, 102]
    incident.put("105_bad.sql", "SELECT 1;\nSELECT emial").put("106_bad.sql", "SELEC")
    answer = cli("up", "--dry-run", code=3)
    assert "migrations/105_bad.sql:2:8: ERROR:" in answer.err
    assert "migrations/106_bad.sql:1:1: ERROR:" in answer.err
    document = cli("up", "--dry-run", "--json", code=3).json
    assert [f["version"] for f in document["failures"]] == [105, 106]
    assert cli("up", "--to", "103_add_email", code=0)
    assert database.versions() == [101, 102, 103]


def test_new_takes_the_next_free_version(program, folder):
    assert program("new", "Add users", code=0).out == "migrations/001_add_users.sql\n"
    assert program("new", "add orders", code=0).out == "migrations/002_add_orders.sql\n"
    folder.put("0009_x.up.sql", "--")
    assert program("new", "y", code=0).out.splitlines() == [
        "migrations/0010_y.up.sql",
        "migrations/0010_y.down.sql",
    ]
    made = program("new", "z", "--timestamp", "--json", code=0).json["files"]
    assert re.fullmatch(r"migrations/\d{14}_z\.up\.sql", made[0])
    following = program("new", "w", code=0).out
    assert re.match(r"migrations/\d{14}_w", following)
    assert program("new", "v", "--sequential", code=0).out == (
        "migrations/0011_v.up.sql\nmigrations/0011_v.down.sql\n"
    )
    assert (folder.path / "001_add_users.sql").read_bytes() == b""


@pytest.mark.parametrize("name", ["!!!", "", "///"])
def test_new_needs_a_name(program, name):
    assert "has no letter or digit for a file name" in program("new", name, code=2).err


def test_repair_and_undo(cli, folder, database):
    folder.put("1_a.up.sql", "CREATE TABLE a ()").put("1_a.down.sql", "DROP TABLE a")
    folder.put("2_b.up.sql", "SELECT 2")
    cli("up", code=0)
    folder.put("2_b.up.sql", "SELECT 2 -- two").put("1_a.up.sql", "CREATE TABLE a (x int)")
    assert "name the versions to repair or use --all" in cli("repair", code=2).err
    assert cli("repair", "--all", code=0).out == (
        "  1_a: statements changed\n"
        "  2_b: comments or white space changed\n"
        "2 migrations repaired; the journal keeps the old checksums.\n"
    )
    assert cli("repair", "--all", code=0).out == "Nothing to repair.\n"
    assert "needs a confirmation" in cli("undo", "1", code=2).err
    assert database.versions() == [1, 2]
    assert "1_a undone in" in cli("undo", "1", "--yes", code=0).out
    assert cli("undo", "1", "--yes", code=2).err.startswith("ERROR:  1 is not applied")
    assert "has no down file" in cli("undo", "2", "--yes", code=2).err
    assert database.versions() == [2]
    assert cli("undo", "2", "--yes", "--json", code=2).json["error"]["type"] == "ConfigError"


def test_adopt(cli, incident, database):
    late(incident)
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false); CREATE TABLE users ()"
    )
    out = cli("plan", "--not-applied", "103", code=0).out
    assert "Would adopt 3 migrations from public.schema_migrations (golang-migrate)." in out
    assert "103 | add_email | gap" in out
    adopted = cli("adopt", "--not-applied", "103", code=0).out
    assert "Adopted 3 migrations from public.schema_migrations" in adopted
    assert "not adopted, as requested: 103" in adopted
    assert cli("adopt", code=0).out == ("Nothing to adopt: that history was adopted before.\n")
    assert cli("adopt", "--not-applied", "102", code=0).out == (
        "102 was removed from the applied set; the next up runs it.\n"
    )
    database.run("DROP TABLE IF EXISTS orders")
    assert "102_orders  gap" in cli("up", "--to", "102", code=0).out
    assert "103_add_email  gap" in cli("up", code=0).out
    assert cli("adopt", "--drop-tracker", code=0).out == "Dropped public.schema_migrations.\n"
    assert "no other tool's tracker was found" in cli("adopt", "--drop-tracker", code=2).err


def test_another_applications_table_is_left_alone(cli, folder, database, tmp_path):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false)"
    )
    folder.put("1_a.sql", "--")
    assert "--no-adopt" in cli("up", code=1).err
    assert "1 migration to apply" in cli("plan", "--no-adopt", code=0).out
    (tmp_path / "pgbraid.toml").write_text("adopt = false")
    assert "1 migration applied" in cli("up", code=0).out


def test_up_says_what_an_adoption_assumes(cli, incident, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false)"
    )
    out = cli("up", code=0).out
    assert "Adopted 3 migrations from public.schema_migrations (golang-migrate)" in out
    assert "if it skipped one, name it with --not-applied" in out


def test_schema_table_dir_and_config(cli, folder, database, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "pgbraid.toml").write_text('schema = "app"\ntable = "versions"')
    cli("up", code=0)
    assert database.versions("app.versions") == [1]
    cli("up", "--schema", "other", "--ledgers", "many", code=0)
    assert database.versions("other.versions") == [1]
    (tmp_path / "elsewhere.toml").write_text(
        'schema = "third"\ndir = "migrations"\nledgers = "many"'
    )
    cli("--config", "elsewhere.toml", "up", "--table", "t", code=0)
    assert database.versions("third.t") == [1]
    assert "does not exist" in cli("up", "--dir", "nowhere", code=2).err


def test_a_warning_does_not_stop_up(cli, folder):
    folder.put("1_a.sql", "--").put("V2__b.sql", "--")
    answer = cli("up", code=0)
    assert "WARNING:  V2__b.sql looks like a migration, but is not one" in answer.err
    assert "HINT:  Rename it to 2_b.sql" in answer.err
    assert "looks like a migration, but is not one" in cli("check", code=1).err


def test_many_warnings_of_one_kind_are_folded(cli, folder):
    folder.put("1_a.sql", "--")
    for n in range(20):
        folder.put(f"V{n}__b.sql", "")
    err = cli("up", code=0).err
    assert err.count("looks like a migration") == 5
    assert "WARNING:  15 more of the kind near miss; --json lists all" in err


def test_quiet_prints_nothing_but_problems(cli, incident):
    answer = cli("up", "-q", code=0)
    assert (answer.out, answer.err) == ("", "")
    incident.put("105_x.sql", "SELEC")
    assert "ERROR:" in cli("-q", "up", code=3).err


def test_verbose_says_which_database(cli, incident):
    assert "database: " in cli("up", "-v", code=0).err


def test_a_lock_that_is_held_is_exit_code_4(cli, incident, database):
    with psycopg.connect(database.conninfo, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (LedgerTable().lock_key,))
        answer = cli("up", "--lock-wait", "0.1", code=4)
    assert answer.err.startswith("ERROR:  another run holds the migration lock; waited 0.1 s")
    assert "DETAIL:  It is held by process" in answer.err


def test_no_connection_is_exit_code_4(program, folder):
    folder.put("1_a.sql", "--")
    answer = program("up", "--database", "postgresql://127.0.0.1:1/db", code=4)
    assert "ERROR:  cannot connect to 127.0.0.1:1/db" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no command given"),
        (["nonsense"], "unknown command 'nonsense'"),
        (["up", "--nonsense"], "unknown option --nonsense"),
        (["up", "--to", "x"], "'x' is not a version number"),
        (["up", "--to", "99999999999999999999"], "is not a version number"),
        (["up", "--lock-wait", "soon"], "a duration such as 500ms, 2s or 10min, not 'soon'"),
        (["up", "--lock-wait", "-1"], "lock_wait must be a number of seconds"),
        (["up", "--database", "mysql://h/d"], "begins with mysql://"),
        (["up", "--database", "postgresql://h/d", "--embedded"], "not allowed with argument"),
        (["up"], "no database is named"),
        (["undo"], "the following arguments are required: VERSION"),
        (["up", "--config", "none.toml"], "cannot read the settings file"),
        (["repair", "1", "--all"], "name the versions to repair or use --all"),
        (["adopt", "--drop-tracker", "--not-applied", "1"], "not allowed with argument"),
    ],
)
def test_usage_errors_are_exit_code_2(program, folder, words, message):
    folder.put("1_a.sql", "--")
    answer = program(*words, code=2)
    assert message in answer.err
    assert "HINT:" in answer.err
    if words and "--json" not in words:
        document = program(*words, "--json", code=2).json
        assert message in document["error"]["message"]


def test_a_password_in_the_arguments_is_warned_of_and_never_shown(program, folder):
    folder.put("1_a.sql", "--")
    answer = program("up", "--database", "postgresql://u:hunter2@127.0.0.1:1/d", code=4)
    assert "WARNING:  every user of this machine can read the password" in answer.err
    assert "hunter2" not in answer.err + answer.out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help(program, command):
    out = program(command.name, "--help", code=0).out
    assert out.startswith(f"usage: pgbraid {command.name}")
    assert len(" ".join(out.split("\n\n")[1:3])) > 100
    assert command.summary in " ".join(program("--help", code=0).out.split())


def test_the_version_is_told(program):
    assert program("--version", code=0).out == f"pgbraid {__version__}\n"


def test_check_offline_and_new_import_no_driver(program, folder):
    folder.put("1_a.sql", "SELECT 1")
    script = (
        "import sys; from pgbraid.cli import main; code = main(sys.argv[1:]);"
        "bad = sorted(m for m in sys.modules if m.split('.')[0] in ('psycopg', 'asyncio'));"
        "print(bad, code)"
    )
    for words in (["check", "--offline"], ["new", "b"]):
        answer = subprocess.run(
            [sys.executable, "-c", script, *words],
            cwd=program.cwd,
            env=program.env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.splitlines()[-1] == "[] 0"


def test_every_json_document_has_the_same_head(cli, incident):
    for words in (
        ["up"],
        ["plan"],
        ["status"],
        ["check"],
        ["repair", "--all"],
        ["check", "--offline"],
    ):
        document = cli(*words, "--json", code=0).json
        assert (document["command"], document["ok"], document["exit_code"]) == (words[0], True, 0)
        assert list(document)[:4] == ["format", "command", "ok", "exit_code"]
        assert document["notices"] == []


def test_a_failure_in_json_says_what_was_applied(cli, incident):
    incident.put("105_bad.sql", "SELECT 1;\nSELECT emial")
    document = cli("up", "--json", code=3).json
    assert [m["version"] for m in document["applied"]] == [101, 102, 104]
    assert document["error"]["diagnostic"]["location"] == {
        "file": "migrations/105_bad.sql",
        "line": 2,
        "column": 8,
    }


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_stopped_run_leaves_a_prefix_and_no_lock(cli, folder, database, watches, sign, code):
    folder.write(_1_a="CREATE TABLE a ()", _2_b="CREATE TABLE b (); SELECT pg_sleep(60)")
    run = cli.start("up")
    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state ="
    query += " 'active' AND datname = current_database() AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 60
    while not database.value(query) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(sign)
    out, err = run.communicate(timeout=30)
    assert run.returncode == code
    if sign is not signal.SIGKILL:
        assert "  1_a " in out
        assert "stopped; 1 migration applied, 2_b was rolled back" in err
        assert not database.value(query)
    elif not watches:  # the server would go on to the end, and commit
        database.run(query.replace("count(*)", "pg_terminate_backend(pid)"))
    assert database.versions() == [1]
    folder.write(_2_b="CREATE TABLE b ()")
    cli("up", code=0)
    assert database.versions() == [1, 2]


def on_terminal(cli, *words, typed=None):
    """Run on a pseudo-terminal and return what a person would see, and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cli.cwd)
        os.execve(
            sys.executable, [sys.executable, "-m", "pgbraid", *words], cli.env | {"TERM": "xterm"}
        )
    seen = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        seen += data
        if typed and b"Type yes" in seen:
            os.write(terminal, typed.encode())
            typed = None
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return seen.decode(), os.waitstatus_to_exitcode(status)


def test_on_a_terminal_there_is_a_bar_that_leaves_nothing(cli, incident):
    seen, code = on_terminal(cli, "up")
    assert code == 0
    assert "[........................] 1/3 101_users" in seen
    assert "[################........] 3/3 104_index" in seen
    last = [line.rpartition("\x1b[K")[2] for line in seen.split("\r\n")]
    assert last[0].startswith("  101_users")
    assert not any("[#" in line for line in last)


@pytest.mark.parametrize(("typed", "code", "left"), [("yes\n", 0, []), ("n\n", 1, [1])])
def test_undo_asks_on_a_terminal(cli, folder, database, typed, code, left):
    folder.put("1_a.up.sql", "CREATE TABLE a ()").put("1_a.down.sql", "DROP TABLE a")
    cli("up", code=0)
    seen, answer = on_terminal(cli, "undo", "1", typed=typed)
    assert "Run migrations/1_a.down.sql on" in seen
    assert answer == code
    assert database.versions() == left


def test_a_closed_pipe_is_no_traceback(cli, folder):
    for n in range(500):
        folder.put(f"{n}_m.sql", "--")
    run = cli.start("plan")
    run.stdout.close()
    assert "Traceback" not in run.stderr.read()
    run.wait(timeout=30)
    run.stderr.close()


def test_an_ascii_terminal_gets_escapes_not_a_traceback(cli, folder):
    folder.put("1_é.sql", "--")
    env = {"PYTHONIOENCODING": "ascii"}
    assert "1_\\xe9" in cli("up", env=env, code=0).out


def test_embedded_keeps_its_folder(program, folder, tmp_path):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    assert "1 migration applied" in program("up", "--embedded", "db", code=0).out
    assert program("up", "--embedded", "db", code=0).out == "Nothing to do: 1 migration applied.\n"
    assert program("--embedded", "db", "check", "--json", code=0).json["answer"] == "yes"
    assert "1 migration applied" in program("--embedded", "up", code=0).out
    assert (
        "contains files that do not belong" in program("up", "--embedded", "migrations", code=4).err
    )


def test_the_demo_tells_the_incident_on_one_screen(program):
    answer = program("demo", code=0)
    assert len(answer.out.splitlines()) <= 24
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "103 is below 104" in answer.out
    assert 'ERROR:  column "email" does not exist' in answer.out
    document = program("demo", "--json", code=0).json
    assert document["counter"] == {
        "first": [101, 102, 104],
        "then": [],
        "error": 'column "email" does not exist',
    }
    assert document["pgbraid"] == {"first": [101, 102, 104], "then": [103], "error": None}


def test_no_programs_are_a_clear_error(program, tmp_path):
    answer = program("demo", env={"PGBRAID_PG_BIN": str(tmp_path)}, code=4)
    assert "has no programs initdb and postgres" in answer.err
    assert json.loads(program("demo", "--json", env={"PGBRAID_PG_BIN": "/x"}).out)["ok"] is False
