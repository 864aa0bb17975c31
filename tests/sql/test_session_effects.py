import pytest

from pgbraid.sql.parser import parse
from pgbraid.sql.session_effects import leaves_session_unchanged, may_name_table

FUNCTION = "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CREATE TABLE a (b int DEFAULT 1)",
        "ALTER TABLE a ALTER b SET DEFAULT 1; UPDATE a SET b = 2; DELETE FROM a",
        "CREATE TABLE c (a int REFERENCES a ON DELETE SET NULL); COMMENT ON TABLE c IS 'temp'",
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
        FUNCTION.format("NEW.a := 1; RETURN NEW;"),
        "GRANT SELECT ON a TO b; INSERT INTO a VALUES (1)",
        'CREATE EXTENSION IF NOT EXISTS "uuid-ossp"; CREATE EXTENSION pgcrypto',
    ],
)
def test_changes_of_database_leave_session_unchanged(text):
    assert leaves_session_unchanged(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "SET work_mem = '1MB'",
        "RESET ALL",
        "SELECT f()",
        "WITH x AS (SELECT f()) SELECT 1",
        "DO $$ BEGIN END $$",
        "CALL p()",
        "LISTEN a",
        "PREPARE a AS SELECT 1",
        "LOAD 'x'",
        "CREATE TEMP TABLE a ()",
        "CREATE LOCAL TEMPORARY TABLE a ()",
        "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
        "CREATE TABLE pg_temp.a ()",
        "INSERT INTO a VALUES (set_config('a.b', 'c', false))",
        "INSERT INTO a SELECT pg_advisory_lock(1)",
        "CREATE TABLE a (b text DEFAULT SET_CONFIG ('a.b', 'c', false))",
        FUNCTION.format("SET work_mem = '1MB'; RETURN NEW;"),
        FUNCTION.format("EXECUTE 'x'; RETURN NEW;"),
        FUNCTION.format("PERFORM set_config('a', 'b', false); RETURN NEW;"),
        "CREATE PROCEDURE p() LANGUAGE sql AS 'RESET ROLE'",
        r"CREATE PROCEDURE p() LANGUAGE sql AS E'\x52ESET ALL'",
        "CREATE PROCEDURE p() LANGUAGE sql AS 'RES'\n'ET ALL'",
        "CREATE PROCEDURE p() LANGUAGE sql AS 'RES' -- more\n\n  'ET ALL'",
        "COPY a FROM stdin;\n\\.",
        "UPDATE pg_settings SET setting = 'replica' WHERE name = 'session_replication_role'",
        "CREATE TABLE a AS SELECT \"set_config\"('a', 'b', false)",
        "CREATE TABLE a AS SELECT set_config/**/('a', 'b', false)",
        "INSERT INTO a VALUES (currval('s'))",
        'CREATE TABLE U&"\\0070g_temp".a ()',
        "CREATE AGGREGATE ag(text, boolean) (sfunc = set_config, stype = text)",
        "CREATE FUNCTION f(text) RETURNS text LANGUAGE internal AS 'set_config_by_name'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'a', 'b'",
        "CREATE OPERATOR === (FUNCTION = f)",
        "CREATE EXTENSION dblink",
        "CREATE EXTENSION unknown",
    ],
)
def test_possible_session_effects_are_recognised(text):
    assert not leaves_session_unchanged(parse(text))


def test_strings_inside_a_quoted_body_hide_nothing():
    body = r"RAISE NOTICE E'a\n'" + "; RAISE NOTICE 'b' 'c'; RETURN NEW;"
    assert leaves_session_unchanged(parse(FUNCTION.format(body)))


@pytest.mark.parametrize(
    ("text", "table", "named"),
    [
        ("CREATE TABLE a ()", "done", False),
        ("INSERT INTO done VALUES (1)", "done", True),
        ('DELETE FROM public."done"', "done", True),
        ("TRUNCATE DONE", "done", True),
        ("ALTER TABLE done_journal ADD a int", "done", True),
        ("CREATE TABLE a ()", "Done", True),
        ("CREATE TABLE a ()", 'do"ne', True),
        ("UPDATE pg_sequence SET seqincrement = 2", "done", True),
        ('DELETE FROM ONLY\nPG_catalog . "pg_depend"', "done", True),
        ("CREATE VIEW a AS SELECT * FROM pg_catalog.pg_class", "done", False),
    ],
)
def test_table_is_found_by_its_name_in_the_text(text, table, named):
    assert may_name_table(text, table) is named
