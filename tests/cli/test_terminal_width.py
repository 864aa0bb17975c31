"""Output fits the terminal, and an answer that could not be written is an error."""

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from wcwidth import wcwidth

from pgbraid.cli.render.characters import bar_line, cut, width
from pgbraid.cli.render.psql import table

LONG = "add_a_column_to_the_table_of_all_the_orders_of_customers_that_have_left_us_long_ago"
WIDE = "列を追加する" * 12
NAMES = {"long": LONG, "wide": WIDE, "short": "a"}


def on_terminal(cli, columns, *words, env=None):
    """Return the output of a command on a terminal with so many columns, and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(cli.cwd)
        program = [sys.executable, "-m", "pgbraid", *words]
        os.execve(sys.executable, program, cli.env | {"TERM": "xterm"} | (env or {}))
    seen = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        seen += data
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return seen.decode(), os.waitstatus_to_exitcode(status)


def screen(seen, columns):
    """Return the rows of a terminal that wraps full rows."""
    rows, at, index = [[]], 0, 0
    while index < len(seen):
        char = seen[index]
        if seen.startswith("\x1b[K", index):
            rows[-1] = rows[-1][:at]
            index += 3
            continue
        index += 1
        if char == "\r":
            at = 0
        elif char == "\n":
            rows.append([])
        else:
            if at + wcwidth(char) > columns:
                rows.append([])
                at = 0
            cells = [char, *[""] * (wcwidth(char) - 1)]
            rows[-1][at : at + len(cells)] = cells
            at += len(cells)
    return ["".join(row).rstrip() for row in rows]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_run_leaves_one_row_per_migration_and_summary(cli, folder, columns, name):
    for number in (1, 2, 3):
        text = f"CREATE TABLE t{number} (); SELECT pg_sleep(0.15)"
        folder.put(f"{number}_{NAMES[name]}.sql", text)
    seen, code = on_terminal(cli, columns, "up")
    assert code == 0
    rows = [row for row in screen(seen, columns) if row]
    assert len(rows) == 4, rows
    assert [row.split("_")[0].strip() for row in rows[:3]] == ["1", "2", "3"]
    assert all(row.endswith(" ms") for row in rows[:3])
    assert len({width(row) for row in rows[:3]}) == 1
    assert rows[3].startswith("3 migrations applied")


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["plan", "status"])
def test_table_takes_no_more_columns_than_terminal_has(cli, folder, columns, name, command):
    folder.put(f"1_{NAMES[name]}.sql", "SELECT 1")
    if command == "status":
        cli("up", code=0)
    seen, code = on_terminal(cli, columns, command)
    assert code == 0
    rows = [row for row in screen(seen, columns) if row]
    assert len(rows) == 4, rows
    assert rows[2].lstrip().startswith("1 | ")


def test_output_without_terminal_is_not_cut(cli, folder):
    folder.put(f"1_{LONG}{LONG}.sql", "SELECT 1")
    assert LONG + LONG in cli("plan", env={"COLUMNS": "40"}, code=0).out
    assert LONG + LONG in cli("up", env={"COLUMNS": "40"}, code=0).out
    assert LONG + LONG in cli("status", env={"COLUMNS": "40"}, code=0).out


def test_terminal_without_size_has_width_of_columns(cli, folder):
    folder.put(f"1_{LONG}.sql", "SELECT 1")
    seen, _ = on_terminal(cli, 0, "plan", env={"COLUMNS": "50"})
    assert max(map(len, seen.splitlines())) == 50


@pytest.mark.parametrize("columns", range(1, 130, 7))
@pytest.mark.parametrize("label", ["a", LONG, WIDE, "a\tb\x1b[2J", "e\u0301" * 90])
def test_bar_never_fills_row(columns, label):
    for message in ("", "3 of 700 MB", "some_table: building index: scanning table 55 %"):
        line = bar_line(0.5, "12/2690", label, message, columns)
        assert width(line) < max(columns, 1)
        assert "\x1b" not in line


def test_cut_text_has_ellipsis():
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 6) == "abc..."
    assert cut("列を追加", 7) == "列を..."
    assert [cut("abcdefg", columns) for columns in (0, 1, 3)] == ["", ".", "..."]


def test_only_widest_column_of_table_is_cut():
    lines = list(table(["n", "name"], [["1", "x" * 50], ["2", "y"]], right=1, columns=20))
    assert lines == [
        " n |      name",
        "---+----------------",
        f" 1 | {'x' * 11}...",
        " 2 | y",
    ]


@pytest.mark.parametrize("line", [LONG * 3 + " nosuch " + LONG * 3, WIDE * 3 + " nosuch " + WIDE])
def test_line_of_error_fits_into_eighty_columns(cli, folder, line):
    folder.put("1_a.sql", f"SELECT '{line[:60]}', nosuch, '{line}'")
    rows = cli("up", code=3).err.splitlines()
    shown, caret = rows[1], rows[2]
    assert shown.startswith("LINE 1: ...")
    assert width(shown) <= 80
    assert shown[len(cut_at(shown, width(caret) - 1)) :].startswith("nosuch")


def cut_at(text, columns):
    """Return the beginning of a text that fills so many columns."""
    return next(text[:n] for n in range(len(text)) if width(text[:n]) == columns)


# --- an answer that cannot be written


def unwritten(cli, target, *words):
    """Return exit code and errors of a command whose output goes to a target."""
    run = f"exec {sys.executable} -m pgbraid {' '.join(words)} {target}"
    done = subprocess.run(
        ["/bin/sh", "-c", run],
        cwd=cli.cwd,
        env=cli.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
TARGETS = [pytest.param(">/dev/full", "No space left", marks=full), (">&-", "output is closed")]
ANSWERS = [
    ["plan"],
    ["status"],
    ["check"],
    ["check", "--offline"],
    ["snapshot"],
    ["prove"],
    ["drift"],
    ["up", "--dry-run"],
    ["--json", "up"],
    ["--json", "status"],
    ["--json", "sum"],
]


@pytest.mark.parametrize(("target", "message"), TARGETS)
@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_unwritable_answer_is_exit_code_4(cli, folder, database, target, message, words):
    database.as_made()
    folder.put("1_a.sql", "CREATE TABLE a ()")
    cli("up", code=0)
    code, err = unwritten(cli, target, *words)
    assert code == 4
    assert [line for line in err.splitlines() if line.startswith("ERROR")] == [
        next(line for line in err.splitlines() if message in line)
    ]


@pytest.mark.parametrize(("target", "message"), TARGETS)
def test_deployment_completes_where_its_output_cannot_be_written(
    cli, folder, database, target, message
):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    code, _ = unwritten(cli, target, "up")
    assert (code, database.versions()) == (0, [1])


@pytest.mark.parametrize(("target", "message"), TARGETS)
def test_exit_code_of_no_stays_where_answer_cannot_be_written(cli, folder, target, message):
    folder.put("1_a.sql", "CREATE TABLE a ()")
    assert unwritten(cli, target, "check")[0] == 1


def test_reader_that_goes_away_is_no_error(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    assert unwritten(cli, "| true", "plan")[0] == 0


def test_status_names_files_as_other_documents_do(cli, folder):
    folder.put("1_a.sql", "CREATE TABLE a ()").put("3_c.sql", "CREATE TABLE c ()")
    planned = {step["file"] for step in cli("plan", "--json").json["pending"]}
    cli("up", code=0)
    folder.put("2_b.sql", "CREATE TABLE b ()")
    document = json.loads(cli("status", "--json").out)
    assert planned < {row["file"] for row in document["migrations"]}
    assert {row["file"] for row in document["migrations"]} == {
        f"migrations/{name}.sql" for name in ("1_a", "2_b", "3_c")
    }
