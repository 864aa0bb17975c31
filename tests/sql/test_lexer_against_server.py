"""Our lexer ends statements where the server does."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import generators, pq

from pgbraid.sql.parser import parse

EXPRESSIONS = st.sampled_from(
    [
        "1",
        "'a;b'",
        "'it''s;'",
        "E'a\\';b'",
        "E'a'\n'\\';b'",
        "U&'\\0041;'",
        "$$;$$",
        "$a$ $$;$$ $a$",
        '1 AS "a;b"',
        '1 AS "a"";"',
        "1 /* ; /* ; */ ; */",
        "1 -- ;\n",
        "1 -- ;\r",
        "B'01'",
        "x'1f'",
        "n'a;'",
        "- -1",
        "1 + -- ;'\n 2",
        "(SELECT ';')",
        "'\\'",
        "ARRAY[1,2][1:2]",
        "'a' ~ 'b'",
        "1 AS é$x$",
        "1 AS a$b",
        "$é$ ; $é$",
        "CASE WHEN true THEN 1 END",
        "'--;'",
        "'/*;'",
        "1.5e3",
        "1::text",
        "'' ''",
    ]
)
ROUTINES = st.sampled_from(
    [
        "DO $$ BEGIN PERFORM 1; END $$",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2;'",
        "CREATE OR REPLACE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
        "PREPARE p AS SELECT 1; DEALLOCATE p",
        ";",
        "",
        "-- nothing;\n",
        "SAVEPOINT a; ROLLBACK TO a",
    ]
)
ATOMIC = (
    "CREATE OR REPLACE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1;"
    " SELECT CASE WHEN true THEN 1 ELSE 2 END; END"
)
STATEMENTS = st.one_of(EXPRESSIONS.map("SELECT {}".format), ROUTINES)


@pytest.fixture(scope="module")
def conn(server):
    with psycopg.connect(server) as conn:
        conn.execute("SET client_min_messages = error")
        conn.execute("CREATE TEMP TABLE t (x int)")
        yield conn
        conn.rollback()


def results(conn, text):
    """Return how many statements the server found in a text, or None where it refused it."""
    conn.execute("SAVEPOINT here")
    with conn.lock:
        conn.pgconn.send_query(text.encode())
        answers = conn.wait(generators.execute(conn.pgconn))
    refused = answers[-1].status == pq.ExecStatus.FATAL_ERROR
    conn.execute("ROLLBACK TO here")
    if refused:
        return None
    return sum(result.status != pq.ExecStatus.EMPTY_QUERY for result in answers)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STATEMENTS, min_size=1, max_size=6), st.sampled_from([";", " ;\n", ";;", ";--\n"]))
def test_both_find_as_many_statements(conn, statements, between):
    text = between.join(statements)
    count = results(conn, text)
    assert count is None or count == len(parse(text).statements)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.sampled_from(
            [
                "SELECT 1",
                ";",
                "'",
                '"',
                "$$",
                "$a$",
                "--",
                "/*",
                "*/",
                "\n",
                "E'",
                "\\",
                "(",
                ")",
                " a",
                "é",
                "$1",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_server_ends_accepted_statement_where_lexer_does(conn, text):
    count = results(conn, text)
    assert count is None or count == len(parse(text).statements)


def test_bodies_in_begin_atomic(conn):
    if conn.info.server_version < 140000:
        pytest.skip("BEGIN ATOMIC came with 14")
    assert results(conn, f"{ATOMIC}; SELECT 1") == 2 == len(parse(f"{ATOMIC}; SELECT 1").statements)
