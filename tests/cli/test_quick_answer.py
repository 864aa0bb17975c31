"""The quick answer is that of the usual way, or none: in every state of files and database."""

import os
import random
from contextlib import suppress

import psycopg
import pytest

from pgbraid.cli.quick import quick_answer, read_applied_query
from pgbraid.migrate.planning.unchanged import is_unchanged
from pgbraid.model.migration import AppliedMigration, LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.libpq import find_libpq
from tests.fixtures.quick_answers import agree, outcome, start

pytestmark = pytest.mark.skipif(
    find_libpq() is None, reason="the driver's libpq cannot be called here, so no answer is quick"
)

SEEDS = 30
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
