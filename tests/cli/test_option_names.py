"""A message names a parameter as in Python; on the command line it names the option."""

import ast
import re
from pathlib import Path

import pytest

import pgbraid
from pgbraid.cli.render.psql import spelled


def test_command_line_spells_parameters_as_options():
    expected = (
        "Wait, or give more time with `lock_wait`; `pgbraid up` and `adopt = false` are words."
    )
    assert spelled(expected) == (
        "Wait, or give more time with --lock-wait; `pgbraid up` and --no-adopt are words."
    )


def reported(tree):
    """Yield the texts of a module that have several words, except for docstrings."""
    passed_over = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            passed_over.add(node.value)
        if isinstance(node, ast.JoinedStr):
            passed_over.update(node.values)
    for node in set(ast.walk(tree)) - passed_over:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        if all(isinstance(part, (ast.Constant, ast.FormattedValue)) for part in parts):
            text = "".join(str(getattr(part, "value", "")) for part in parts)
            yield from [text] if " " in text else []


def test_no_message_outside_command_line_names_option():
    """A command in backticks may have options, because users type it like this."""
    package = Path(pgbraid.__file__).parent
    own_commands = {
        "statement_errors.py",
        "journaled_run.py",
        "tracker_use.py",
        "pytest_plugin.py",
    }  # put together a command; pytest's options
    messages = [
        (path.name, text)
        for path in package.rglob("*.py")
        if "cli" not in path.relative_to(package).parts and path.name not in own_commands
        for text in reported(ast.parse(path.read_text()))
        if re.search(r"(?<![\w-])--[a-z]", re.sub("`[^`]*`", "", text))
    ]
    assert messages == []


@pytest.mark.parametrize(
    ("parameter", "option"),
    [
        ("scratch_url", "--scratch"),
        ("conninfo", "--database"),
        ("only_schemas", "--only-schema"),
        ("embedded", "--embedded"),
        ("base", "--base"),
        ("history", "--history"),
    ],
)
def test_parameter_is_spelled_as_its_option(parameter, option):
    assert spelled(f"name it with `{parameter}`") == f"name it with {option}"


def test_accepted_difference_is_named_as_caller_spells_it(
    cli, folder, database, programs, monkeypatch
):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(_1_t="CREATE TABLE t ()", _3_b="ALTER TABLE t ADD b int")
    folder.load().up(database.conninfo)
    folder.write(_2_a="ALTER TABLE t ADD a int")
    proof = folder.load(accept="column-order").prove(database.conninfo)
    assert proof.allowed_reason == "column order only, by `accept` or the settings"
    env = {"PGBRAID_PG_BIN": programs}
    answer = cli("prove", "--accept", "column-order", "--json", env=env, code=0)
    assert answer.json["allowed_reason"] == "column order only, by --accept or the settings"
    answer = cli("up", "--gaps", "prove", "--accept", "column-order", env=env, code=0)
    assert "accepted: column order only, by --accept or the settings" in answer.err


@pytest.mark.parametrize("parameter", ["to", "not_applied"])
def test_unknown_version_is_named_as_caller_spells_it(cli, folder, database, parameter):
    folder.write(_1_a="CREATE TABLE a ()")
    wrong = 9 if parameter == "to" else [9]
    with pytest.raises(pgbraid.ConfigError, match=f"^`{parameter}` 9: no migration has that"):
        folder.load().up(database.conninfo, **{parameter: wrong})
    option = f"--{parameter.replace('_', '-')}"
    assert cli("up", option, 9, code=2).err.startswith(f"ERROR:  {option} 9: no migration has that")
    assert cli("up", option, 9, "--json").json["error"]["message"].startswith(f"{option} 9: ")


def test_lock_timeout_is_named_as_caller_spells_it(cli, folder, database, holder):
    folder.write(_1_a="CREATE TABLE a ()")
    with pytest.raises(pgbraid.LockTimeout) as caught:
        folder.load(lock_wait=0.1).up(database.conninfo)
    assert "`lock_wait`" in caught.value.hint
    assert "--" not in re.sub("`pgbraid [^`]*`", "", caught.value.hint)
    assert "--lock-wait" in cli("up", "--lock-wait", "100ms", code=4).err


def test_missing_folder_is_named_as_caller_spells_it(program):
    with pytest.raises(pgbraid.ConfigError) as caught:
        pgbraid.load("nowhere")
    assert "Name the folder with `dir`" in caught.value.hint
    answer = program("check", "--offline", "--dir", "nowhere", code=2)
    assert "HINT:  Name the folder with --dir;" in answer.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["statsu"], ("unknown command 'statsu'", "Did you mean status? Run `pgbraid --help`.")),
        (["xyzzy"], ("unknown command 'xyzzy'", "Run `pgbraid --help`.")),
        (["up", "--databse", "x"], ("unknown option --databse", "Did you mean --database? Run")),
        (["up", "--databse=x"], ("unknown option --databse", "Did you mean --database? Run")),
        (
            ["up", "--dryrun"],
            ("unknown option --dryrun", "Did you mean --dry-run? Run `pgbraid up"),
        ),
        (["plan", "--dry-run"], ("unknown option --dry-run", "Run `pgbraid plan --help`.")),
        (["--qiet", "up"], ("unknown option --qiet", "Did you mean --quiet? Run `pgbraid up")),
        (["up", "-z"], ("unrecognized arguments: -z", "Run `pgbraid up --help`.")),
        (["up", "down"], ("unrecognized arguments: down", "Run `pgbraid up --help`.")),
    ],
)
def test_unknown_word_gets_nearest_suggestion(program, words, expected):
    error, hint = program(*words, code=2).err.splitlines()
    assert error == f"ERROR:  {expected[0]}"
    assert hint.startswith(f"HINT:  {expected[1]}")


def test_value_of_option_that_is_not_known_is_not_shown(program):
    answer = program("--databse", "postgresql://me:hunter2@host/db", "up", code=2)
    assert "unknown option --databse" in answer.err
    assert "hunter2" not in answer.err


@pytest.mark.parametrize("columns", [66, 80, 140])
@pytest.mark.parametrize("words", [[], ["up"], ["prove"], ["adopt"], ["snapshot"]])
def test_help_wraps_at_terminals_width(program, columns, words):
    text = program(*words, "--help", env={"COLUMNS": str(columns)}, code=0).out
    assert max(map(len, text.splitlines())) <= columns
    described = text.partition("\n\n")[2]
    assert max(map(len, described.splitlines())) > min(columns, 110) - 20


def test_unreadable_file_gets_fitting_hint(cli, folder):
    folder.put("1_a.sql", "SELECT 1")
    answer = cli("snapshot", "--check", "nowhere.txt", code=2)
    assert (
        answer.err.splitlines()[-1] == "HINT:  Name a text file in UTF-8 that this user can read."
    )
