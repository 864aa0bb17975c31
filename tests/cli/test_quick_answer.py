"""The quick answer is that of the usual way, or none: in every state of files and database."""

import errno
import os
import random
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgbraid.cli.quick import quick_answer, read_applied_query
from pgbraid.cli.run import run_words
from pgbraid.migrate.planning.unchanged import is_unchanged
from pgbraid.model.migration import AppliedMigration, LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres import connection_string
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.libpq import find_libpq
from tests.fixtures.key_proxy import key_proxy

pytestmark = pytest.mark.skipif(
    find_libpq() is None, reason="the driver's libpq cannot be called here, so no answer is quick"
)

SEEDS = 40
ROUNDS = 6
LEDGER, JOURNAL = "{schema}.applied_migrations", "{schema}.applied_migrations_journal"

FILE_CHANGES = {
    "edit": lambda f: f.put("2_b.sql", "SELECT 22"),
    "edit_comment": lambda f: f.put("2_b.sql", "-- why\nSELECT 2"),
    "rename": lambda f: (f.remove("2_b.sql"), f.put("2_c.sql", "SELECT 2")),
    "rename_case": lambda f: (f.remove("2_b.sql"), f.put("2_B.sql", "SELECT 2")),
    "other_digits": lambda f: (f.remove("2_b.sql"), f.put("0002_b.sql", "SELECT 2")),
    "up_suffix": lambda f: (f.remove("2_b.sql"), f.put("2_b.up.sql", "SELECT 2")),
    "remove": lambda f: f.remove("2_b.sql"),
    "add": lambda f: f.put("9_new.sql", "SELECT 9"),
    "gap": lambda f: f.put("4_gap.sql", "SELECT 4"),
    "twice": lambda f: f.put("02_b.sql", "SELECT 2"),
    "twice_up": lambda f: f.put("2_b.up.sql", "SELECT 2"),
    "down": lambda f: f.put("2_b.down.sql", "SELECT 0"),
    "lone_down": lambda f: f.put("2_x.down.sql", "SELECT 0"),
    "down_of_nothing": lambda f: f.put("8_x.down.sql", "SELECT 0"),
    "bad_down": lambda f: f.put("2_b.down.sql", b"\xff"),
    "near_miss": lambda f: f.put("2-b.sql", "SELECT 2"),
    "repeatable": lambda f: f.put("R__views.sql", "SELECT 2"),
    "readme": lambda f: f.put("README.md", "about"),
    "sum": lambda f: f.put("pgbraid.sum", "nonsense"),
    "not_utf8": lambda f: f.put("2_b.sql", b"SELECT '\xff'"),
    "nul": lambda f: f.put("2_b.sql", b"SELECT 2\0"),
    "utf16": lambda f: f.put("2_b.sql", "SELECT 2".encode("utf-16")),
    "bom": lambda f: f.put("2_b.sql", b"\xef\xbb\xbfSELECT 2"),
    "baseline": lambda f: f.put("2_b.sql", "-- pgbraid: replaces=1,2\nSELECT 2"),
    "capital_baseline": lambda f: f.put("2_b.sql", "-- PGBRAID: replaces=1,2\nSELECT 2"),
    "directive": lambda f: f.put("2_b.sql", "-- pgbraid: no-transaction\nSELECT 2"),
    "bad_directive": lambda f: f.put("2_b.sql", "-- pgbraid: nonsense\nSELECT 2"),
    "empty_file": lambda f: f.put("2_b.sql", b""),
    "large": lambda f: f.put("2_b.sql", b"SELECT 2 -- " + b"x" * 1_000_001),
    "folder": lambda f: (f.path / "7_x.sql").mkdir(),
    "link": lambda f: (
        (f.path / "2_b.sql").rename(f.path / "text") and (f.path / "2_b.sql").symlink_to("text")
    ),
    "link_outside": lambda f: (
        (f.path / "2_b.sql").rename(f.path.parent / "text")
        and (f.path / "2_b.sql").symlink_to("../text")
    ),
    "dangling": lambda f: (f.path / "6_x.sql").symlink_to("nowhere"),
    "pipe": lambda f: os.mkfifo(f.path / "6_x.sql"),
    "no_files": lambda f: [path.unlink() for path in f.path.iterdir() if path.is_file()],
    "big_version": lambda f: f.put("99999999999999999999_x.sql", "SELECT 1"),
    "bad_name": lambda f: f.put(os.fsdecode(b"6_\xff.sql"), ""),
}
DATABASE_CHANGES = {
    "row_lost": f"DELETE FROM {LEDGER} WHERE version = 2",
    "rows_lost": f"DELETE FROM {LEDGER}",
    "row_added": f"INSERT INTO {LEDGER} VALUES (8, 'x', now(), NULL)",
    "no_checksum": f"UPDATE {LEDGER} SET checksum = NULL WHERE version = 2",
    "empty_checksum": f"UPDATE {LEDGER} SET checksum = '' WHERE version = 2",
    "upper_checksum": f"UPDATE {LEDGER} SET checksum = upper(checksum)",
    "md5": f"UPDATE {LEDGER} SET checksum = md5('') WHERE version = 2",
    "other_name": f"UPDATE {LEDGER} SET name = 'other' WHERE version = 2",
    "label_name": f"UPDATE {LEDGER} SET name = '2_b' WHERE version = 2",
    "file_name": f"UPDATE {LEDGER} SET name = '2_b.sql' WHERE version = 2",
    "no_name": f"ALTER TABLE {LEDGER} ALTER name DROP NOT NULL; UPDATE {LEDGER} SET name = NULL",
    "empty_name": f"UPDATE {LEDGER} SET name = ''",
    "odd_time": f"UPDATE {LEDGER} SET applied_at = 'infinity'",
    "old_time": f"UPDATE {LEDGER} SET applied_at = '4000-01-01 BC'",
    "text_version": f"ALTER TABLE {LEDGER} ALTER version TYPE text",
    "numeric_version": f"ALTER TABLE {LEDGER} ALTER version TYPE numeric",
    "integer_version": f"ALTER TABLE {LEDGER} ALTER version TYPE int",
    "broken_version": f"ALTER TABLE {LEDGER} ALTER version TYPE numeric;"
    f" UPDATE {LEDGER} SET version = 2.5 WHERE version = 2",
    "bytea": f"ALTER TABLE {LEDGER} ALTER checksum TYPE bytea USING decode(checksum, 'hex')",
    "no_column": f"ALTER TABLE {LEDGER} DROP checksum",
    "more_columns": f"ALTER TABLE {LEDGER} ADD note text DEFAULT 'x'",
    "no_set": f"DROP TABLE {LEDGER}",
    "no_journal": f"DROP TABLE {JOURNAL}",
    "other_journal": f"DROP TABLE {JOURNAL}; CREATE TABLE {JOURNAL} (a int)",
    "started": f"INSERT INTO {JOURNAL} (run_id, event, version, name)"
    " VALUES (gen_random_uuid(), 'started', 8, 'x')",
    "undone": f"INSERT INTO {JOURNAL} (run_id, event, version, name)"
    " VALUES (gen_random_uuid(), 'undone', 2, 'b')",
    "view": f"ALTER TABLE {LEDGER} RENAME TO hidden;"
    f" CREATE VIEW {LEDGER} AS SELECT * FROM {{schema}}.hidden",
    "row_security": f"ALTER TABLE {LEDGER} ENABLE ROW LEVEL SECURITY",
    "own_type": "CREATE DOMAIN {schema}.d AS text;"
    f" ALTER TABLE {LEDGER} ALTER name TYPE {{schema}}.d",
    "standby_settings": "SET default_transaction_read_only = on",
    "nothing": "SELECT 1",
}
HARMLESS = {
    *("other_digits", "up_suffix", "down", "readme", "sum", "link"),
    *("no_checksum", "label_name", "file_name", "no_name", "empty_name", "odd_time", "old_time"),
    *("more_columns", "standby_settings", "row_security", "nothing"),
}
"""Changes after which the answer is still that nothing is to do, and which it need not explain."""
OPTIONS = (
    [],
    ["-q"],
    ["--json"],
    ["--verbose"],
    ["--dir", "elsewhere"],
    ["--dir=migrations"],
    ["--table", "applied_migrations"],
    ["--table", "Other"],
    ["--dir", ""],
    ["--wait", "1"],
    ["--nonsense"],
    ["--dir"],
)
SETTINGS = (
    None,
    None,
    None,
    'verify = "off"',
    'verify = "warn"',
    'role = "postgres"',
    'role = "nobody_knows"',
    'search_path = "x"',
    "session_pooler = true",
    'dir = "migrations"',
    'nonsense = "1"',
    "broken",
    'links = ["."]',
    'direct_url = "postgresql:///elsewhere"',
)


@pytest.fixture
def at_home(tmp_path, monkeypatch, database):
    """The folder and the environment of a command line that runs in this process."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if (name.startswith("PG") and name != "PGBRAID_PG_BIN") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PGBRAID_DATABASE_URL", database.conninfo)
    return tmp_path


def outcome(capsys, run, words):
    """Return exit code and output of one way, or None if it gives no answer."""
    capsys.readouterr()
    code = run(words)
    out, err = capsys.readouterr()
    out = re.sub(r"waited [0-9.]+ m?s", "waited", out)
    if code is None:
        assert (out, err) == ("", "")
        return None
    return code, out, err


def write_files(folder):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 2", _5_ä="SELECT 'ü'")


def agree(capsys, words):
    """Compare the two ways; return whether the first one gave an answer."""
    quick = outcome(capsys, quick_answer, words)
    if quick is not None:
        assert quick == outcome(capsys, run_words, words), words
    return quick is not None


def start(at_home, folder, database, schema="public"):
    """Make the state before a change: three applied migrations and nothing else."""
    for path in folder.path.glob("*") if folder.path.exists() else ():
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    (at_home / "pgbraid.toml").unlink(missing_ok=True)
    write_files(folder)
    database.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    assert run_words(["up", "--schema", schema, "--ledgers", "many", "-q"]) == 0


@pytest.mark.parametrize("name", FILE_CHANGES)
def test_answer_after_change_of_files_is_the_usual_one(name, at_home, folder, database, capsys):
    start(at_home, folder, database)
    FILE_CHANGES[name](folder)
    answered = {agree(capsys, [command]) for command in ("up", "check", "status", "wait")}
    assert answered == {name in HARMLESS}


@pytest.mark.parametrize("name", DATABASE_CHANGES)
def test_answer_after_change_of_database_is_the_usual_one(name, at_home, folder, database, capsys):
    start(at_home, folder, database)
    database.run(DATABASE_CHANGES[name].format(schema="public"))
    answered = {agree(capsys, [command]) for command in ("up", "check", "status", "wait")}
    assert answered == {name in HARMLESS}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_answer_in_random_state_is_the_usual_one(seed, at_home, folder, database, capsys):
    chance = random.Random(seed)
    for number in range(ROUNDS):
        schema = f"s{number}"
        start(at_home, folder, database, schema)
        settings = chance.choice(SETTINGS)
        if settings is not None:
            (at_home / "pgbraid.toml").write_text(settings)
        for name in chance.sample(sorted(FILE_CHANGES), chance.choice((0, 0, 1, 1, 2))):
            with suppress(OSError):  # two changes of one file
                FILE_CHANGES[name](folder)
        for name in chance.sample(sorted(DATABASE_CHANGES), chance.choice((0, 0, 1, 1, 2))):
            with suppress(psycopg.Error):  # of what an earlier change has removed
                database.run(DATABASE_CHANGES[name].format(schema=schema))
        command = chance.choice(("up", "check", "status", "wait"))
        agree(capsys, [command, "--schema", schema, *chance.choice(OPTIONS)])
        database.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.mark.parametrize(
    "words",
    [
        *(["up"], ["check"], ["status"], ["-q", "up"], ["up", "--quiet"], ["status", "-q"]),
        *(["--dir", "migrations", "check"], ["check", "--dir=migrations/"]),
        *(["up", "--schema", "public"], ["up", "--config", "other.toml"], ["wait"]),
        *(["check", "--allow-newer"], ["wait", "--exact"]),
    ],
)
def test_plain_state_is_answered_at_once(words, at_home, folder, database, capsys):
    start(at_home, folder, database)
    (at_home / "other.toml").write_text('dir = "migrations"')
    assert agree(capsys, words)


@pytest.mark.parametrize(
    "words",
    [
        *([], ["up", "up"], ["up", "check"], ["plan"], ["help"], ["up", "--json"], ["-v", "up"]),
        *(["up", "--to", "1"], ["up", "--dry-run"], ["check", "--offline"], ["up", "--dir"]),
        *(["up", "--dir="], ["up", "--dir", "-q"], ["up", "--embedded"], ["up", "--wait", "1"]),
        *(
            ["up", "--allow-newer"],
            ["check", "--exact"],
            ["--exact", "wait"],
            ["wait", "--timeout", "1"],
        ),
        *(["up", "--table", "A"], ["up", "--schema", 'a"b'], ["--database=", "up"]),
    ],
)
def test_other_command_lines_are_left_to_the_parser(words, at_home, folder, database, capsys):
    start(at_home, folder, database)
    assert outcome(capsys, quick_answer, words) is None


def test_password_on_the_command_line_is_warned_about(at_home, folder, database, capsys):
    start(at_home, folder, database)
    words = ["up", "--database", make_conninfo(database.conninfo, password="secret")]  # noqa: S106
    assert agree(capsys, words)
    quick_answer(words)
    assert "read the password on the command line" in capsys.readouterr().err


def test_unverified_server_is_warned_about(at_home, folder, database, capsys, monkeypatch):
    start(at_home, folder, database)
    monkeypatch.setattr(connection_string, "_LOCAL", "nothing is local")
    with key_proxy(database, "pass") as conninfo:
        monkeypatch.setenv("PGBRAID_DATABASE_URL", conninfo)
        assert agree(capsys, ["up"])
        quick_answer(["up"])
    assert "is not verified: sslmode is disable" in capsys.readouterr().err


def test_role_of_the_settings_is_checked(at_home, folder, database, capsys, role):
    start(at_home, folder, database)
    (at_home / "pgbraid.toml").write_text(f'role = "{role}"')
    assert not agree(capsys, ["up"])  # it may not read the ledger
    database.run(
        f"GRANT SELECT ON applied_migrations, applied_migrations_journal TO {role};"
        f"GRANT USAGE ON SCHEMA public TO {role}"
    )
    assert agree(capsys, ["up"])


def test_locked_ledger_is_left_to_the_driver(at_home, folder, database, capsys):
    start(at_home, folder, database)
    with psycopg.connect(database.conninfo) as conn:
        conn.execute("LOCK applied_migrations")
        assert outcome(capsys, quick_answer, ["up"]) is None


def test_notice_is_left_to_the_driver(at_home, folder, database, capsys):
    start(at_home, folder, database)
    database.run(
        "CREATE FUNCTION public.warns() RETURNS bool LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE WARNING 'heard'; RETURN true; END $$;"
        "ALTER TABLE applied_migrations ENABLE ROW LEVEL SECURITY;"
    )
    libpq = find_libpq()
    parameters = parse_target(database.conninfo).parameters
    assert libpq.ask(parameters, "SELECT public.warns()") is None
    assert libpq.ask(parameters, "SELECT 1")[0].rows == [(b"1",)]


@pytest.mark.parametrize(
    "given",
    [
        {"dbname": ""},
        {"host": ""},
        {"user": ""},
        {"sslmode": ""},
        {"connect_timeout": "soon"},
        {"oauth_issuer": "https://example.com", "oauth_client_id": "a"},
    ],
)
def test_parameters_that_libpq_reads_otherwise_are_left_to_the_driver(
    given, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    parameters = conninfo_to_dict(database.conninfo)
    for name, variable in (("dbname", "PGDATABASE"), ("host", "PGHOST"), ("user", "PGUSER")):
        monkeypatch.setenv(variable, parameters[name])
    monkeypatch.setenv("PGBRAID_DATABASE_URL", make_conninfo(**{**parameters, **given}))
    assert outcome(capsys, quick_answer, ["up"]) is None


def test_value_that_is_not_utf8_is_left_to_the_driver(
    at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    for name in ("host", "user", "dbname"):
        value = conninfo_to_dict(database.conninfo)[name]
        monkeypatch.setenv({"dbname": "PGDATABASE"}.get(name, f"PG{name.upper()}"), value)
    monkeypatch.setenv("PGBRAID_DATABASE_URL", "postgresql://?password=%ff")
    assert not agree(capsys, ["up"])
    monkeypatch.setenv("PGBRAID_DATABASE_URL", "postgresql://?password=f")
    assert agree(capsys, ["up"])


def test_warning_about_password_file_is_not_printed_twice(at_home, folder, database, monkeypatch):
    start(at_home, folder, database)
    folder.put("9_new.sql", "SELECT 9")
    (at_home / "passwords").write_text("*:*:*:*:x")
    (at_home / "passwords").chmod(0o644)
    monkeypatch.setenv("PGPASSFILE", str(at_home / "passwords"))
    ended = subprocess.run(
        [sys.executable, "-m", "pgbraid", "check"], capture_output=True, text=True, check=False
    )
    assert ended.stderr.count("has group or world access") == 1


@pytest.mark.parametrize(
    ("zone", "at"), [("UTC-9", "9999-12-31 23:59:59+00"), ("UTC+5", "0001-01-01 00:00:00+00")]
)
def test_time_at_the_end_of_the_range_is_shown(
    zone, at, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    database.run(f"UPDATE applied_migrations SET applied_at = '{at}'")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert agree(capsys, ["status"])
        quick_answer(["status"])
        assert at[4:] in capsys.readouterr().out
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_a_free_descriptor_the_connection_is_closed_all_the_same(
    database, role, monkeypatch
):
    def dup(_):
        raise OSError(errno.EMFILE, "no free descriptor")

    database.run(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    libpq, parameters = find_libpq(), parse_target(database.as_role(role)).parameters
    monkeypatch.setattr(os, "dup", dup)
    assert libpq.ask(parameters, "SELECT 1/0") is None
    while database.value(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"):
        time.sleep(0.01)


@pytest.mark.parametrize(
    "conninfo",
    [
        "host=127.0.0.1 port=1",
        "host=/nonexistent",
        "host=nowhere.invalid",
        "sslmode=nonsense",
        "a=b",
    ],
)
def test_failed_connection_gives_no_answer(
    conninfo, at_home, folder, database, capsys, monkeypatch
):
    start(at_home, folder, database)
    monkeypatch.setenv("PGBRAID_DATABASE_URL", conninfo)
    assert outcome(capsys, quick_answer, ["up"]) is None


def test_silent_server_gives_no_answer_in_time(at_home, folder, database, capsys, monkeypatch):
    start(at_home, folder, database)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("PGBRAID_DATABASE_URL", f"host=127.0.0.1 port={port}")
        assert outcome(capsys, quick_answer, ["up"]) is None


def test_session_without_an_answer_has_ended_before_the_next_one(database, role):
    database.run(f"ALTER ROLE {role} CONNECTION LIMIT 1")
    libpq, conninfo = find_libpq(), database.as_role(role)
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'"
    for _ in range(20):
        assert libpq.ask(parse_target(conninfo).parameters, "SELECT 1/0") is None
        psycopg.connect(conninfo).close()
        while database.value(sessions):
            time.sleep(0.01)


@pytest.mark.parametrize("ledger", [LedgerTable(), LedgerTable("app_1", "done")])
def test_query_is_the_one_of_the_driver(database, ledger):
    """The names need no quotes, so the texts differ only in how the values are written."""
    with connect(parse_target(database.conninfo), ledger, StopToken()) as session:
        names = {"schema": ledger.schema, "table": ledger.table, "journal": ledger.journal}
        text = session.text("ledger", "read_applied", **names, times=True, trusted=False)
    assert read_applied_query(ledger.schema, ledger.table, times=True) == text


@pytest.mark.parametrize(
    ("applied", "files", "unchanged"),
    [
        ([], [], False),
        ([(1, "a")], [(1, "a")], True),
        ([(1, None)], [(1, "a")], True),
        ([(1, "b")], [(1, "a")], False),
        ([(2, "a")], [(1, "a")], False),
        ([(1, "a"), (2, "a")], [(1, "a")], False),
        ([(1, "a")], [(1, "a"), (2, "a")], False),
    ],
)
def test_unchanged_means_same_versions_and_texts(applied, files, unchanged):
    def rows(pairs):
        return [AppliedMigration(version, "n", checksum) for version, checksum in pairs]

    assert is_unchanged(rows(applied), rows(files)) is unchanged
