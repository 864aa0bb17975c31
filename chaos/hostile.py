"""Bodies that go for their own transaction, session, tracker or reader.

``{role}`` is a role that the database has, ``{key}`` the key of the lock. Each stands behind a
statement that leaves a table, but for those in ``WHOLE``, which are the whole file.
"""

from __future__ import annotations

__all__ = ["BODIES", "WHOLE"]

_TRACKER = "public.applied_migrations"
_SWALLOW = (
    "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {} END$$;"
    f"CREATE TRIGGER hostile BEFORE INSERT ON {_TRACKER} FOR EACH ROW"
    " EXECUTE FUNCTION public.swallow();"
)

BODIES: dict[str, str] = {
    # its own transaction
    "commit": "COMMIT;",
    "commit, then more": "COMMIT; CREATE TABLE more (id int);",
    "end": "END;",
    "commit and chain": "COMMIT AND CHAIN;",
    "rollback": "ROLLBACK;",
    "rollback and chain": "ROLLBACK AND CHAIN;",
    "abort": "ABORT;",
    "begin": "BEGIN;",
    "begin and commit": "BEGIN; SELECT 1; COMMIT;",
    "start transaction": "START TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
    "prepare transaction": "PREPARE TRANSACTION 'mine';",
    "commit prepared": "COMMIT PREPARED 'mine';",
    "commit in a comment's shade": "/* */COMMIT/* */;",
    "commit in capitals and lower case": "cOmMiT;",
    "commit behind a nested comment": "/* a /* b */ c */ COMMIT;",
    "do with commit": "DO $$ BEGIN COMMIT; END $$;",
    "do with execute of commit": "DO $$ BEGIN EXECUTE 'COMMIT'; END $$;",
    "do with rollback": "DO $$ BEGIN ROLLBACK; END $$;",
    "procedure that commits": (
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; CALL p();"
    ),
    "prepared statement that commits": "PREPARE s AS COMMIT; EXECUTE s;",
    "execute of commit": "EXECUTE 'COMMIT';",
    "savepoint that stays": "SAVEPOINT mine; SELECT 1;",
    "rollback to a savepoint": "SAVEPOINT mine; SELECT 1; ROLLBACK TO mine;",
    "error behind a savepoint": "SAVEPOINT mine; SELECT 1/0; ROLLBACK TO mine;",
    "set transaction": "SET TRANSACTION READ ONLY;",
    "set transaction late": "SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
    "set constraints": "SET CONSTRAINTS ALL DEFERRED;",
    "deferred constraint that fails": (
        "CREATE TABLE parent (id int PRIMARY KEY);"
        "CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);"
        "INSERT INTO child VALUES (1);"
    ),
    # its session
    "unlock all": "SELECT pg_advisory_unlock_all();",
    "unlock by key": "SELECT pg_advisory_unlock({key});",
    "unlock in a do": "DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$;",
    "lock of its own": "SELECT pg_advisory_lock(42), pg_advisory_lock_shared(43);",
    "discard all": "DISCARD ALL;",
    "discard all in a do": "DO $$ BEGIN EXECUTE 'DISCARD ALL'; END $$;",
    "discard plans, temp, sequences": "DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES;",
    "deallocate all": "PREPARE s AS SELECT 1; DEALLOCATE ALL;",
    "close all": "DECLARE c CURSOR FOR SELECT 1; CLOSE ALL;",
    "cursor with hold": "DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 1000);",
    "set role": "SET ROLE {role};",
    "set session authorization": "SET SESSION AUTHORIZATION {role};",
    "set role by a function": "SELECT set_config('role', '{role}', false);",
    "reset all": "RESET ALL;",
    "listen and notify": "LISTEN hostile; NOTIFY hostile, 'x';",
    "temporary tracker": "CREATE TEMP TABLE applied_migrations (version bigint);",
    "empty search path": "SELECT set_config('search_path', '', false);",
    "search path of its own": "CREATE SCHEMA own; SET search_path = own, pg_catalog;",
    "read only from now on": "SET default_transaction_read_only = on;",
    "serializable from now on": "SET default_transaction_isolation = 'serializable';",
    "standard strings": "SET standard_conforming_strings = off; SELECT 'a\\'';",
    "standard strings by a function": (
        "SELECT set_config('standard_conforming_strings', 'off', false);"
    ),
    "client encoding": "SET client_encoding = 'LATIN1';",
    "client encoding by a function": "SELECT set_config('client_encoding', 'SJIS', false);",
    "names": "SET NAMES 'LATIN1';",
    "statement timeout": "SET statement_timeout = '1ms'; ",
    "transaction timeout": (
        "SELECT set_config('transaction_timeout', '1ms', false)"
        " WHERE current_setting('server_version_num')::int >= 170000; SELECT pg_sleep(0.02);"
    ),
    "idle timeout": (
        "SET idle_in_transaction_session_timeout = '1ms'; SELECT set_config('idle_session_timeout',"
        " '1ms', false) WHERE current_setting('server_version_num')::int >= 140000;"
    ),
    "lock timeout": "SET lock_timeout = '1ms';",
    "row security": "SET row_security = on; SET session_replication_role = replica;",
    "asynchronous commit": "SET synchronous_commit = off;",
    "terminate itself": "SELECT pg_terminate_backend(pg_backend_pid());",
    "cancel itself": "SELECT pg_cancel_backend(pg_backend_pid());",
    # names that are pg_catalog's
    "operator of pg_catalog's name": (
        "CREATE FUNCTION public.always(bigint, bigint) RETURNS bool LANGUAGE sql AS 'SELECT true';"
        "CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = public.always);"
        "SET search_path = public, pg_catalog;"
    ),
    "lock function of pg_catalog's name": (
        "CREATE FUNCTION public.pg_try_advisory_lock(bigint) RETURNS bool LANGUAGE sql"
        " AS 'SELECT true'; CREATE FUNCTION public.pg_try_advisory_xact_lock(bigint) RETURNS bool"
        " LANGUAGE sql AS 'SELECT true'; ALTER DATABASE {database} SET search_path = public,"
        " pg_catalog;"
    ),
    "count and now of pg_catalog's name": (
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql"
        " AS 'SELECT NULL::timestamptz';"
        "CREATE AGGREGATE public.count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '5');"
        "SET search_path = public, pg_catalog;"
    ),
    "type of pg_catalog's name": (
        "CREATE DOMAIN public.text AS varchar(1);"
        "CREATE DOMAIN public.bigint AS int CHECK (VALUE < 2);"
        "SET search_path = public, pg_catalog;"
    ),
    # its tracker
    "drop of the tracker": f"DROP TABLE {_TRACKER};",
    "drop of the journal": f"DROP TABLE {_TRACKER}_journal;",
    "drop of the tracker by a do": f"DO $$ BEGIN EXECUTE 'DROP TABLE {_TRACKER}'; END $$;",
    "lock of the tracker": f"LOCK TABLE {_TRACKER} IN ACCESS EXCLUSIVE MODE;",
    "its own row": f"INSERT INTO {_TRACKER} (version, name) VALUES (2, 'x');",
    "row of the next": f"INSERT INTO {_TRACKER} (version, name) VALUES (3, 't');",
    "rows deleted": f"DELETE FROM {_TRACKER};",
    "rows changed": f"UPDATE {_TRACKER} SET version = version + 100;",
    "truncate": f"TRUNCATE {_TRACKER};",
    "tracker renamed": f"ALTER TABLE {_TRACKER} RENAME TO other;",
    "column renamed": f"ALTER TABLE {_TRACKER} RENAME COLUMN version TO v;",
    "key dropped": f"ALTER TABLE {_TRACKER} DROP CONSTRAINT applied_migrations_pkey;",
    "view in the tracker's place": (
        f"ALTER TABLE {_TRACKER} RENAME TO other; CREATE VIEW {_TRACKER} AS SELECT * FROM other;"
    ),
    "row security of the tracker": (
        f"ALTER TABLE {_TRACKER} ENABLE ROW LEVEL SECURITY;"
        f"ALTER TABLE {_TRACKER} FORCE ROW LEVEL SECURITY;"
    ),
    "trigger that swallows rows": _SWALLOW.format("RETURN NULL;"),
    "trigger that changes rows": _SWALLOW.format("NEW.version := NEW.version + 1000; RETURN NEW;"),
    "trigger that fails": _SWALLOW.format("RAISE EXCEPTION 'no';"),
    "rule that does nothing": (
        f"CREATE RULE hostile AS ON INSERT TO {_TRACKER} DO INSTEAD NOTHING;"
    ),
    "rights taken away": f"REVOKE ALL ON {_TRACKER} FROM current_user;",
    # its reader
    "crlf": "SELECT 1;\r\nSELECT 2;\r\n-- COMMIT;\r\n",
    "carriage returns alone": "SELECT 1; -- a comment\rSELECT 2;",
    "unterminated quote": "SELECT 'a; COMMIT;",
    "unterminated dollar quote": "DO $a$ BEGIN END; $b$; COMMIT;",
    "unterminated comment": "/* COMMIT;",
    "unterminated identifier": 'SELECT "a; COMMIT;',
    "escape string": "SELECT E'a\\'; COMMIT; --';",
    "dollar quote that is none": "SELECT 1 AS a$b$; COMMIT; SELECT 2 AS c$b$;",
    "dollar quote in a dollar quote": "DO $a$ BEGIN PERFORM $b$ $a$ $b$; END $a$;",
    "unicode string": "SELECT U&'d\\0061t\\+000061'; SELECT U&'!0061' UESCAPE '!';",
    "strings that go on": "SELECT 'a'\n'b; COMMIT;'\n'c';",
    "sql body": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;"
    ),
    "psql meta": "\\connect postgres\nSELECT 1;",
    "psql shell": "\\! touch hostile\n",
    "psql gexec": "SELECT 'COMMIT' \\gexec\n",
    "psql variables": "SELECT :'HOME';",
    "copy to stdout": "COPY (SELECT 1) TO STDOUT;",
    "copy from stdin without data": "COPY public.log FROM STDIN;",
    "copy with data": "COPY public.log FROM STDIN;\n\\.\n",
    "copy with data that commits": "CREATE TABLE c (a text);\nCOPY c FROM STDIN;\nCOMMIT;\n\\.\n",
    "copy from a program": "COPY public.log FROM PROGRAM 'true';",
    "two results": "SELECT 1; SELECT generate_series(1, 100000);",
    "notices": "DO $$ BEGIN FOR i IN 1..500 LOOP RAISE NOTICE '%', i; END LOOP; END $$;",
    "semicolons": ";;;;;;",
    "syntax error": "SELEC 1;",
    "null of text": "SELECT chr(0);",
    "our own marks": "SELECT 1 AS pgbraid_guard, 1 AS pgbraid_xact_lock, 0 AS pgbraid_absent;",
    "our own settings": (
        "SELECT set_config('pgbraid.transaction', '1', true),"
        " set_config('pgbraid.started_at', 'x', true);"
    ),
    "vacuum": "VACUUM;",
    "concurrent index": "CREATE INDEX CONCURRENTLY ON public.log (version);",
    "create database": "CREATE DATABASE hostile;",
    "alter system": "ALTER SYSTEM SET work_mem = '1MB';",
}

WHOLE: dict[str, bytes] = {
    "byte order mark": b"\xef\xbb\xbfCREATE TABLE kept (id int);",
    "nul": b"CREATE TABLE kept (id int);\0COMMIT;",
    "utf-16": "CREATE TABLE kept (id int);".encode("utf-16"),
    "latin-1": b"CREATE TABLE kept (id int); -- \xe4",
    "one megabyte": b"CREATE TABLE kept (id int);" + b"SELECT 1; -- padding\n" * 60_000,
    "one megabyte that commits at its end": (
        b"CREATE TABLE kept (id int);" + b"SELECT 1; -- padding\n" * 60_000 + b"COMMIT; SELECT 1;"
    ),
    "empty": b"",
    "nothing but blanks": b" \n\t\r\n",
    "nothing but a comment": b"-- nothing",
    "a wrapped one": b"BEGIN;\nCREATE TABLE kept (id int);\nCOMMIT;\n",
    "a wrapped one that goes on": b"BEGIN;\nCREATE TABLE kept (id int);\nCOMMIT;\nSELECT 1;\n",
}
