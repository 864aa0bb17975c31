from dataclasses import replace

import pytest

from pgbraid.model.migration import Directives, Migration
from pgbraid.source.loader import load_migrations
from pgbraid.sql.checks.script_checks import check_script
from pgbraid.sql.parser import parse

FILE = Migration(7, "x", "7_x.sql", "", 0, "m/7_x.sql", "7")


def found(text):
    return [(p.code, p.location.line, p.location.column) for p in check_script(FILE, parse(text))]


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "BEGIN; select 1; COMMIT;",
        "begin transaction isolation level read committed, read write; a; end",
        "begin isolation level read committed read write; a; end",
        "begin read write isolation level read committed; a; end",
        "set standard_conforming_strings = on; set standard_conforming_strings to true",
        "set client_encoding = 'UTF8'; set client_encoding to utf8; set names 'SQL_ASCII'",
        "BEGIN READ WRITE; a; COMMIT AND NO CHAIN;",
        "savepoint a; rollback to a; release a",
        "rollback to savepoint a",
        "rollback work to savepoint a",
        "do $$ begin commit; end $$",
        "create function f() returns int language plpgsql as 'begin return 1; end'",
        "select 'COMMIT'; -- COMMIT",
        "prepare p as select 1",
        'alter table t add column "commit" int',
        "create function f() returns int begin atomic select 1; end",
        "\\restrict abc\nselect 1;\n\\unrestrict abc",
        "copy t from stdin;\n\\.\n",
        "-- +goose Up\nselect 1",
        "-- a comment about pgbraid: none\nselect 1",
        "select 1; -- a comment alone",
        "select 1;;",
    ],
)
def test_allowed_statements_pass(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select 1;\ncommit", "transaction_control"),
        ("select 1;\nCOMMIT AND CHAIN", "transaction_control"),
        ("select 1;\nend", "transaction_control"),
        ("select 1;\nrollback", "transaction_control"),
        ("select 1;\nabort", "transaction_control"),
        ("select 1;\nbegin", "transaction_control"),
        ("select 1;\nstart transaction", "transaction_control"),
        ("select 1;\nprepare transaction 'x'", "transaction_control"),
        ("select 1;\ncommit prepared 'x'", "transaction_control"),
        ("select 1;\n/* c */ commit", "transaction_control"),
    ],
)
def test_transaction_control_is_refused_with_its_line(text, code):
    ((problem, line, _),) = found(text)
    assert (problem, line) == (code, 2)


def test_two_transactions_in_one_file_are_refused_though_it_is_wrapped():
    assert found("BEGIN;\na;\nCOMMIT;\nBEGIN;\nb;\nCOMMIT;") == [
        ("transaction_control", 3, 1),
        ("transaction_control", 4, 1),
    ]


@pytest.mark.parametrize(
    "begin",
    [
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "START TRANSACTION READ ONLY",
        "BEGIN DEFERRABLE",
        "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY",
        "BEGIN 'x'",
    ],
)
def test_wrapping_begin_may_not_ask_for_another_mode(begin):
    assert found(f"{begin}; a; COMMIT") == [("transaction_mode", 1, 1)]


def test_wrapping_commit_may_not_chain():
    assert found("BEGIN; a; COMMIT AND CHAIN") == [
        ("transaction_control", 1, 1),
        ("transaction_control", 1, 11),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SET standard_conforming_strings = off",
        "set local standard_conforming_strings to 'off'",
        "SET SESSION client_encoding = 'LATIN1'",
        "SET client_encoding TO latin1",
        "SET NAMES 'EUC_JP'",
    ],
)
def test_setting_that_would_change_how_text_is_read_is_refused(text):
    assert found(f"select 1;\n{text}") == [("parsing_setting", 2, 1)]


@pytest.mark.parametrize(
    "meta", ["\\i other.sql", "\\copy t from 'x'", "\\set x 1", "\\connect db", "\\!rm", "\\."]
)
def test_meta_command_is_refused_by_name_and_line(meta):
    (problem,) = check_script(FILE, parse(f"select 1;\n  {meta}\nselect 2;"))
    assert problem.code == "meta_command"
    assert meta.split()[0] in problem.message
    assert (problem.location.line, problem.location.column) == (2, 3)
    assert str(problem.location) == "m/7_x.sql:2:3"


@pytest.mark.parametrize("target", ["stdout", "STDIN"])
def test_copy_to_client_is_refused(target):
    assert found(f"a;\ncopy t to {target}") == [("copy_to_stdout", 2, 1)]


def test_unterminated_quote_or_comment_is_refused():
    assert found("select 1;\nselect 'open; commit") == [("unterminated", 2, 8)]


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\r\n", "-- a comment alone", "/* select 1 */\n;;", "\ufeff", "\\restrict abc"],
)
def test_file_without_statements_is_reported_as_empty(text):
    assert found(text) == [("empty", 1, 1)]


def test_sql_behind_copy_on_its_line_is_refused():
    assert found("copy t from stdin; select 1;\n\\.\n") == [("copy_data", 1, 19)]


@pytest.mark.parametrize(
    "line",
    [
        *("--pgbraid:x", "-- pgbraid: ", "-- pgbraid: no-transaction=yes"),
        *("-- pgbraid: lock-timeout", "-- pgbraid: lock-timeout=soon", "-- pgbraid: retry-for=-1"),
    ],
)
def test_directive_that_is_none_is_refused(line):
    assert found(f"{line}\nselect 1") == [("unknown_directive", 1, 1)]


@pytest.mark.parametrize(
    "head",
    [
        "-- pgbraid no-transaction",
        "-- PGBRAID  retry-for=1s",
        "/* pgbraid: no-transaction */",
        "-- pgbraid: retry-for=0 retry-for=1s",
        "-- pgbraid: lock-timeout=1s\n-- pgbraid: lock-timeout=2s",
    ],
)
def test_repeated_directive_is_refused(head):
    assert [code for code, _, _ in found(f"{head}\nselect 1")] == ["unknown_directive"]


@pytest.mark.parametrize(
    "head", ["-- pgbraid runs this", "-- see pgbraid: no-transaction", "-- PgBraid: retry-for=1s"]
)
def test_comment_that_mentions_pgbraid_is_allowed(head):
    assert found(f"{head}\nselect 1") == []


def test_begin_in_file_without_transaction_is_refused():
    alone = replace(FILE, directives=Directives(no_transaction=True))
    problems = check_script(alone, parse("BEGIN; CREATE TABLE a (); COMMIT"))
    assert [problem.hint for problem in problems] == ["Remove the statement."] * 2
    assert {problem.detail for problem in problems} == {
        "pgbraid runs each statement of a no-transaction file separately."
    }


def test_directive_behind_first_statement_is_refused():
    assert found("select 1;\n-- pgbraid: no-transaction\nselect 2") == [("unknown_directive", 2, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- pgbraid: no-transaction", Directives(no_transaction=True)),
        ("\ufeff-- a\n/* b */ --pgbraid: lock-timeout=2s\nselect 1", Directives(lock_timeout=2.0)),
        (
            "-- pgbraid: statement-timeout=1h, retry-for=0\n-- pgbraid: lock-timeout=50ms",
            Directives(lock_timeout=0.05, statement_timeout=3600.0, retry_for=0.0),
        ),
        ("select 1; -- pgbraid: no-transaction", Directives()),
        ("-- pgbraid: nonsense no-transaction", Directives(no_transaction=True)),
        ("select '\n-- pgbraid: no-transaction\n'", Directives()),
    ],
)
def test_head_of_file_sets_directives(text, expected):
    (migration,) = load_migrations({"1_a.sql": text}).migrations
    assert migration.directives == expected


@pytest.mark.parametrize(
    "marker",
    [
        "-- +goose Down",
        "-- +migrate Down",
        "-- migrate:down",
    ],
)
def test_another_tools_down_section_is_refused_once(marker):
    assert found(f"create table t();\n{marker}\ndrop table t;\n{marker}") == [
        ("down_section", 2, 1)
    ]


def test_all_problems_are_reported_in_order_of_text():
    text = "\\timing\ncommit;\ncopy t to stdout;\n-- migrate:down\n"
    codes = [code for code, _, _ in found(text)]
    assert codes == ["meta_command", "transaction_control", "copy_to_stdout", "down_section"]
