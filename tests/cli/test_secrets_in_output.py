"""Passwords and terminal escapes do not reach the output."""

import psycopg
import pytest

import pgbraid
from tests.fixtures.nontransactional import HEAD


def test_setting_of_wrong_type_is_not_shown(cli, folder, tmp_path):
    folder.write(_1_a="SELECT 1")
    (tmp_path / "pgbraid.toml").write_text('direct_url = ["postgresql://u:hunter2@h/d"]')
    answer = cli("up")
    assert answer.code
    assert "hunter2" not in answer.out + answer.err


def test_no_terminal_escape_of_another_session_is_printed(big, cli, folder):
    folder.write(_1_a="ALTER TABLE big ADD x int")
    with psycopg.connect(big.conninfo) as other:
        other.execute("LOCK TABLE big IN ACCESS SHARE MODE")
        other.execute("SELECT '\x1b]0;pwned\x07'")
        answer = cli("up", "--retry-for", "1s")
    assert answer.code
    assert "\x1b]0" not in answer.err + answer.out


def test_password_of_certificate_gets_warning(cli, folder, tmp_path):
    folder.write(_1_a="SELECT 1")
    (tmp_path / "pgbraid.toml").write_text(
        'direct_url = "postgresql://u@127.0.0.1:1/d?sslpassword=hunter2"'
    )
    answer = cli("up")
    assert "contains a password" in answer.err, answer.err


def test_unknown_statement_is_shown_without_password(database, cli, folder, cut_before):
    text = "CREATE SUBSCRIPTION s CONNECTION 'password=hunter2' PUBLICATION p"
    folder.write(_1_a=HEAD + text)
    cut_before("failed")
    with pytest.raises((RuntimeError, pgbraid.PgbraidError)):
        folder.load().up(database.conninfo)
    answer = cli("up", code=3)
    assert "it is unknown whether" in answer.err
    assert "hunter2" not in answer.err + answer.out


def test_terminal_controls_in_names_and_messages_are_shown_not_obeyed(cli, folder):
    folder.put("1_a\x1b[31m.sql", "DO $$ BEGIN RAISE NOTICE E'x\\x1b]0;title\\x07'; END $$")
    answer = cli("up", code=0)
    assert "\x1b" not in answer.out + answer.err
    assert "\\x1b" in answer.out


def test_password_in_arguments_is_warned_of_and_never_shown(program, folder):
    folder.put("1_a.sql", "SELECT 1")
    answer = program("up", "--database", "postgresql://u:hunter2@127.0.0.1:1/d", code=4)
    assert "WARNING:  every user of this machine can read the password" in answer.err
    assert "hunter2" not in answer.err + answer.out
