"""Pairs of migrations that do not commute, each with what they need and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass

from pgbraid.model.proof import Verdict

__all__ = ["PLANTED", "Planted"]


@dataclass(frozen=True, slots=True)
class Planted:
    """A kind of pair: what stands before it, the two, and the verdict.

    ``{r}`` stands for a role that is there.
    """

    name: str
    before: tuple[str, ...]
    first: str
    second: str
    verdict: Verdict = Verdict.DIFFERENT


_T = ("CREATE TABLE planted (a int, b text); INSERT INTO planted VALUES (1, 'x'), (2, 'y');",)
_F = "CREATE OR REPLACE FUNCTION planted_f() RETURNS int LANGUAGE sql AS 'SELECT {}';"
_G = (
    "CREATE OR REPLACE FUNCTION planted_g() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN NEW.b := {}; RETURN NEW; END$$;"
)
_V = "CREATE OR REPLACE VIEW planted_v AS SELECT a, {} AS x FROM planted;"
_NEW = "CREATE TABLE planted_new (id int);"
_LOOP = """DO $$ DECLARE t text; BEGIN
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname LIKE 'planted%'
  LOOP EXECUTE format({}, t); END LOOP; END $$;"""
_R = (
    "DROP TRIGGER IF EXISTS planted_t ON planted; CREATE TRIGGER planted_t BEFORE {} ON planted "
    "FOR EACH ROW EXECUTE FUNCTION planted_g();"
)
_S = "CREATE OR REPLACE RULE planted_r AS ON DELETE TO planted WHERE OLD.{} DO INSTEAD NOTHING;"
_L = (
    "CREATE OR REPLACE FUNCTION planted_l() RETURNS int LANGUAGE sql "
    "AS 'SELECT max(a) + {} FROM planted_w';"
)
_RENAMES = """DO $$ DECLARE c text; BEGIN
  FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'planted'::regclass ORDER BY conname
  LOOP EXECUTE format('ALTER TABLE planted RENAME CONSTRAINT %I TO %I', c, c || '_old'); END LOOP;
END $$;"""

PLANTED: tuple[Planted, ...] = (
    Planted("function by both", (_F.format(0),), _F.format(1), _F.format(2)),
    Planted("view by both", _T, _V.format("1"), _V.format("2")),
    Planted("trigger function by both", _T, _G.format("'p'"), _G.format("'q'")),
    Planted(
        "column order",
        _T,
        "ALTER TABLE planted ADD COLUMN c int;",
        "ALTER TABLE planted ADD COLUMN d int;",
        Verdict.COLUMN_ORDER,
    ),
    Planted(
        "default by both",
        _T,
        "ALTER TABLE planted ALTER a SET DEFAULT 1;",
        "ALTER TABLE planted ALTER a SET DEFAULT 2;",
    ),
    Planted(
        "update against insert",
        _T,
        "UPDATE planted SET b = 'changed' WHERE a > 0;",
        "INSERT INTO planted VALUES (3, 'z');",
    ),
    Planted(
        "enum values",
        ("CREATE TYPE planted_e AS ENUM ('a', 'b');",),
        "ALTER TYPE planted_e ADD VALUE 'p';",
        "ALTER TYPE planted_e ADD VALUE 'q';",
        Verdict.ENUM_ORDER,
    ),
    Planted(
        "generated index name",
        _T,
        "CREATE INDEX ON planted (a) WHERE b = 'p';",
        "CREATE INDEX ON planted (a) WHERE b = 'q';",
    ),
    Planted(
        "generated constraint name",
        _T,
        "ALTER TABLE planted ADD CHECK (a > 0);",
        "ALTER TABLE planted ADD CHECK (a < 99);",
    ),
    Planted("grant on all tables", _T, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {r};", _NEW),
    Planted(
        "default privileges",
        (),
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {r};",
        _NEW,
    ),
    Planted(
        "view of every column",
        _T,
        "CREATE VIEW planted_w AS SELECT * FROM planted;",
        "ALTER TABLE planted ADD COLUMN c int;",
    ),
    Planted(
        "comment by both",
        _T,
        "COMMENT ON TABLE planted IS 'p';",
        "COMMENT ON TABLE planted IS 'q';",
    ),
    Planted("drop if there", (), "DROP TABLE IF EXISTS planted_new;", _NEW),
    Planted(
        "storage parameter by both",
        _T,
        "ALTER TABLE planted SET (fillfactor = 70);",
        "ALTER TABLE planted SET (fillfactor = 80);",
    ),
    Planted(
        "backfill",
        _T,
        "UPDATE planted SET b = b || '!' WHERE b = 'x';",
        "UPDATE planted SET b = 'x' WHERE a = 2;",
    ),
    Planted(
        "create if not there, by both",
        (),
        "CREATE TABLE IF NOT EXISTS planted_new (id int, p int);",
        "CREATE TABLE IF NOT EXISTS planted_new (id int, q int);",
    ),
    Planted(
        "like",
        _T,
        "CREATE TABLE planted_like (LIKE planted INCLUDING ALL);",
        "ALTER TABLE planted ADD CONSTRAINT named CHECK (a > 0);",
    ),
    Planted(
        "owner by both",
        _T,
        "ALTER TABLE planted OWNER TO {r};",
        "ALTER TABLE planted OWNER TO CURRENT_USER;",
    ),
    Planted(
        "row security by a loop",
        _T,
        _LOOP.format("'ALTER TABLE %I ENABLE ROW LEVEL SECURITY'"),
        _NEW,
    ),
    Planted("comments by a loop", _T, _LOOP.format("'COMMENT ON TABLE %I IS ''looped'''"), _NEW),
    Planted(
        "sequence by both",
        ("CREATE SEQUENCE planted_s;",),
        "ALTER SEQUENCE planted_s INCREMENT 2;",
        "ALTER SEQUENCE planted_s INCREMENT 3;",
    ),
    Planted(
        "policy by both",
        (*_T, "CREATE POLICY planted_p ON planted USING (true);"),
        "ALTER POLICY planted_p ON planted USING (a > 1);",
        "ALTER POLICY planted_p ON planted USING (a > 2);",
    ),
    Planted("needs the table", (), _NEW, "ALTER TABLE planted_new ADD p int;", Verdict.FAILS),
    Planted(
        "needs the column",
        _T,
        "CREATE INDEX planted_b ON planted (b);",
        "ALTER TABLE planted DROP COLUMN b;",
        Verdict.FAILS,
    ),
    Planted(
        "needs the other name",
        _T,
        "ALTER TABLE planted ALTER b SET NOT NULL;",
        "ALTER TABLE planted RENAME b TO c;",
        Verdict.FAILS,
    ),
    Planted(
        "trigger by both",
        (*_T, _G.format("'p'"), _R.format("INSERT")),
        _R.format("INSERT OR UPDATE"),
        _R.format("UPDATE"),
    ),
    Planted(
        "rule by both",
        _T,
        _S.format("a > 1"),
        _S.format("a > 2"),
    ),
    Planted(
        "column if not there, by both",
        _T,
        "ALTER TABLE planted ADD COLUMN IF NOT EXISTS c int;",
        "ALTER TABLE planted ADD COLUMN IF NOT EXISTS c text;",
    ),
    Planted(
        "index if not there, by both",
        _T,
        "CREATE INDEX IF NOT EXISTS planted_i ON planted (a);",
        "CREATE INDEX IF NOT EXISTS planted_i ON planted (b);",
    ),
    Planted(
        "grant and revoke",
        (*_T, "GRANT SELECT, INSERT ON planted TO {r};"),
        "REVOKE INSERT ON planted FROM {r};",
        "GRANT ALL ON planted TO {r};",
    ),
    Planted(
        "policies by a loop",
        _T,
        _LOOP.format("'CREATE POLICY looped ON %I USING (true)'"),
        _NEW,
    ),
    Planted(
        "constraints renamed by a loop",
        (*_T, "ALTER TABLE planted ADD CONSTRAINT planted_x CHECK (a > 0);"),
        _RENAMES,
        "ALTER TABLE planted ADD CONSTRAINT planted_y CHECK (a < 99);",
    ),
    Planted(
        "rows copied",
        (*_T, "CREATE TABLE planted_copy (a int, b text);"),
        "INSERT INTO planted_copy SELECT a, b FROM planted;",
        "INSERT INTO planted VALUES (4, 'w');",
    ),
    Planted(
        "rows of a view that keeps them",
        _T,
        "CREATE MATERIALIZED VIEW planted_m AS SELECT a, b FROM planted;",
        "DELETE FROM planted WHERE a = 2;",
    ),
    Planted(
        "rows that a trigger writes",
        (*_T, _G.format("'t'")),
        _R.format("INSERT"),
        "INSERT INTO planted VALUES (5, 'v');",
    ),
    Planted(
        "statistics target by both",
        _T,
        "ALTER TABLE planted ALTER a SET STATISTICS 10;",
        "ALTER TABLE planted ALTER a SET STATISTICS 20;",
    ),
    Planted(
        "columns that are inherited",
        _T,
        "CREATE TABLE planted_child (z int) INHERITS (planted);",
        "ALTER TABLE planted ADD COLUMN c int;",
        Verdict.COLUMN_ORDER,
    ),
    Planted(
        "enum values in one place",
        ("CREATE TYPE planted_e AS ENUM ('a', 'b');", "CREATE TABLE planted_u (e planted_e);"),
        "ALTER TYPE planted_e ADD VALUE 'p' BEFORE 'b';",
        "ALTER TYPE planted_e ADD VALUE 'q' BEFORE 'b';",
        Verdict.ENUM_ORDER,
    ),
    Planted(
        "function behind a long line",
        (
            *_T,
            "ALTER TABLE planted RENAME TO planted_a;",
            "ALTER TABLE planted_a RENAME b TO c;",
            "CREATE VIEW planted_w AS SELECT a, c FROM planted_a;",
        ),
        _L.format("1"),
        _L.format("2"),
    ),
    Planted(
        "needs rows without nulls",
        (*_T, "INSERT INTO planted VALUES (NULL, 'n');"),
        "UPDATE planted SET a = 0 WHERE a IS NULL;",
        "ALTER TABLE planted ALTER a SET NOT NULL;",
        Verdict.FAILS,
    ),
    Planted(
        "needs a table to refer to",
        (*_T, "CREATE TABLE planted_ref (id int);"),
        "ALTER TABLE planted_ref ADD PRIMARY KEY (id);",
        "ALTER TABLE planted ADD r int REFERENCES planted_ref;",
        Verdict.FAILS,
    ),
    Planted(
        "needs a view that keeps no type",
        _T,
        "ALTER TABLE planted ALTER a TYPE bigint;",
        "CREATE VIEW planted_w AS SELECT a FROM planted;",
        Verdict.FAILS,
    ),
    Planted(
        "needs a column that is not yet dropped",
        (*_T, "ALTER TABLE planted ADD COLUMN z int;"),
        "CREATE OR REPLACE VIEW planted_w AS SELECT z FROM planted;",
        "DROP VIEW planted_w; ALTER TABLE planted DROP COLUMN z;",
        Verdict.FAILS,
    ),
    Planted(
        "needs rows that are alone",
        _T,
        "CREATE UNIQUE INDEX planted_u ON planted (a);",
        "DROP INDEX planted_u; INSERT INTO planted VALUES (1, 'again');",
        Verdict.FAILS,
    ),
    Planted(
        "needs the value",
        ("CREATE TYPE planted_e AS ENUM ('a', 'b');", "CREATE TABLE planted_u (e planted_e);"),
        "ALTER TYPE planted_e ADD VALUE 'c';",
        "INSERT INTO planted_u VALUES ('c');",
        Verdict.FAILS,
    ),
    Planted(
        "needs the function",
        _T,
        _F.format(7),
        "ALTER TABLE planted ALTER a SET DEFAULT planted_f();",
        Verdict.FAILS,
    ),
)
