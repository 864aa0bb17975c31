"""The place of an error in the file, and the slots of the server's diagnostic."""

import re

import pytest

import pgbraid
from pgbraid.model.errors import MigrationFailed
from pgbraid.model.migration import Location


def failure(database, text, name="1_a.sql"):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({name: text}).up(database.conninfo)
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("text", "line", "column", "excerpt", "caret"),
    [
        ("SELECT emial", 1, 8, "SELECT emial", 7),
        ("SELECT 1;\nSELECT\n  emial;", 3, 3, "  emial;", 2),
        ("-- é→😀\nSELECT 'é😀', emial", 2, 14, "SELECT 'é😀', emial", 13),
        ("SELECT 1;\r\nSELECT 2,\r\n\temial;\r\n", 3, 2, "\temial;", 1),
        ("\ufeffSELECT emial", 1, 8, "SELECT emial", 7),
        ("BEGIN;\nSELECT 1;\nSELECT emial;\nCOMMIT;", 3, 8, "SELECT emial;", 7),
        ("\\restrict x\nSELECT emial;", 2, 8, "SELECT emial;", 7),
        ("SELECT 1;\nSELEC 2;", 2, 1, "SELEC 2;", 0),
        ("COPY none FROM stdin;\n\\.\nSELECT emial;", 1, 1, "COPY none FROM stdin;", None),
    ],
)
def test_error_has_its_place_in_file(database, text, line, column, excerpt, caret):
    expected = failure(database, text)
    assert expected.location == Location("1_a.sql", line, column)
    assert (expected.excerpt, expected.caret) == (excerpt, caret)


def test_error_behind_copied_data_has_its_place_in_file(database):
    text = "CREATE TABLE t (x int);\nCOPY t FROM stdin;\n1\n\\.\n\nSELECT emial;"
    assert failure(database, text).location == Location("1_a.sql", 6, 8)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "CREATE TABLE t (x int PRIMARY KEY);\nINSERT INTO t VALUES (1);\n-- c\n"
            "INSERT INTO t\n VALUES (1);\nSELECT 1;",
            4,
        ),
        ("SELECT 1;;\n;\nSELECT 1/0;", 3),
        ("DO $$\nBEGIN\n RAISE 'no';\nEND $$;", 1),
    ],
)
def test_error_without_position_has_place_of_its_statement(database, text, line):
    expected = failure(database, text)
    assert (expected.location.line, expected.caret) == (line, None)


def test_every_slot_of_server_is_kept(database):
    text = (
        "DO $$ BEGIN RAISE EXCEPTION 'm' USING DETAIL = 'd', HINT = 'h', ERRCODE = 'P0042'; END $$"
    )
    expected = failure(database, text)
    assert (
        expected.severity,
        expected.message,
        expected.detail,
        expected.hint,
        expected.sqlstate,
    ) == (
        "ERROR",
        "m",
        "d",
        "h",
        "P0042",
    )
    assert expected.context.startswith("PL/pgSQL function inline_code_block")


def test_error_inside_function_shows_its_query(database):
    expected = failure(database, "DO $$ BEGIN PERFORM emial; END $$")
    assert "emial" in expected.internal_query


def test_error_can_be_shown_again_elsewhere(database):
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": "SELECT emial"}).up(database.conninfo)
    assert str(caught.value) == '1_a.sql:1:8: 1_a failed: column "emial" does not exist'
    assert caught.value.hint


def test_session_that_server_closes_while_it_is_idle_is_explained(database, role, cli, folder):
    """The last message of the server may arrive before the client reads it."""
    if int(database.value("SHOW server_version_num")) < 140000:
        pytest.skip("this server has no idle_session_timeout")
    database.run(f"ALTER ROLE {role} SUPERUSER; ALTER ROLE {role} SET idle_session_timeout = '2ms'")
    folder.write(_1_a="CREATE TABLE a ()")
    for _ in range(5):
        answer = cli("status", env={"PGBRAID_DATABASE_URL": database.as_role(role)})
        if answer.code:
            assert re.search("idle.session.timeout", answer.err), answer.err
