"""The output of pg_dump as the text of a migration."""

import pytest

from pgbraid.sql.dump_text import dump_statements, without_statements

HEAD = r"""--
-- PostgreSQL database dump
--

\restrict aBcD

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
"""
KEPT = (
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "SET check_function_bodies = false",
)


def statements(text, role="postgres", schema="public"):
    return dump_statements(text, role, schema)


def test_settings_of_restore_and_meta_commands_are_removed():
    assert statements(HEAD + "CREATE TABLE t ();\n\\unrestrict aBcD\n") == (
        *KEPT,
        "CREATE TABLE t ()",
    )


def test_setting_that_a_statement_needs_stays():
    tablespace = "SET default_tablespace = fast"
    found = statements(
        f"{HEAD}{tablespace};\nCREATE TABLE t (a xml);\nSET default_tablespace = '';"
    )
    assert {"SET xmloption = content", tablespace, "SET default_tablespace = ''"} <= set(found)


def test_lines_of_values_are_no_commands():
    value = "INSERT INTO t VALUES ('x\n\\restrict y\n-- SET lock_timeout = 0;\nBEGIN')"
    assert statements(f"{value};") == (value,)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("ALTER TABLE public.t OWNER TO postgres", ()),
        ("ALTER FUNCTION public.f(a text, b int) OWNER TO postgres", ()),
        ("ALTER TABLE public.t OWNER TO other", None),
        ("ALTER TABLE public.t OWNER TO postgres2", None),
        ("COMMENT ON EXTENSION plpgsql IS 'x'", ()),
        ("COMMENT ON TABLE t IS 'OWNER TO postgres'", None),
        ("GRANT ALL ON TABLE t TO postgres", "GRANT ALL ON TABLE t TO CURRENT_USER"),
        ("REVOKE ALL ON TABLE t FROM postgres", "REVOKE ALL ON TABLE t FROM CURRENT_USER"),
        ("GRANT ALL ON TABLE t TO other", None),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA s GRANT SELECT ON TABLES TO x",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO x",
        ),
        ("ALTER DEFAULT PRIVILEGES FOR ROLE other GRANT SELECT ON TABLES TO x", None),
        ("CREATE SCHEMA public", "CREATE SCHEMA IF NOT EXISTS public"),
        ("CREATE SCHEMA other", None),
    ],
)
def test_owner_of_replay_is_left_to_role_that_runs_baseline(statement, expected):
    expected = (statement,) if expected is None else (expected,) if expected else ()
    assert statements(f"{statement};") == expected


def test_reserved_name_of_role_is_matched_with_quotes():
    assert statements('ALTER TABLE t OWNER TO "user";', role="user") == ()


def test_cast_of_whole_array_gets_cast_below_it():
    array = "(ARRAY['x'::character varying, 'y]'::character varying])::text[]"
    check = f"CHECK (((a)::text = ANY ({array})))"
    (text,) = statements(f"CREATE TABLE t (a varchar, {check});")
    assert "'y]'::character varying]::character varying[])::text[]" in text


def test_cast_in_body_of_function_stays():
    body = "$$ SELECT (ARRAY['x'::character varying])::text[] $$"
    function = f"CREATE FUNCTION f() RETURNS text[] LANGUAGE sql AS {body}"
    assert statements(f"{function};") == (function,)


def test_each_statement_of_prelude_is_removed_once():
    ours = ("SET check_function_bodies = false", "CREATE SCHEMA a", "CREATE TABLE a.t ()")
    prelude = ("SET check_function_bodies = false", "CREATE SCHEMA a")
    assert without_statements(ours, prelude) == (ours[0], ours[2])
