"""Queries of the running release that a migration breaks, and those that it does not break."""

from pgbraid.hazards.rules.catalogue import RULE_IDS

TABLE = "CREATE TABLE {t} (id bigint PRIMARY KEY, a text, b integer, day date);"
BREAKING = (
    ("", "ALTER TABLE {t} DROP COLUMN a;", "SELECT a FROM {t}"),
    ("", "ALTER TABLE {t} RENAME COLUMN a TO z;", "UPDATE {t} SET a = $1 WHERE id = $2"),
    ("", "DROP TABLE {t};", "SELECT 1 FROM {t}"),
    ("", "ALTER TABLE {t} RENAME TO {t}_old;", "INSERT INTO {t} (id) VALUES ($1)"),
    ("", "CREATE SCHEMA s{t}; ALTER TABLE {t} SET SCHEMA s{t};", "DELETE FROM {t} WHERE id = $1"),
    ("", "ALTER TABLE {t} ALTER b TYPE text;", "SELECT sum(b) FROM {t}"),
    ("", "ALTER TABLE {t} ALTER b TYPE text;", "SELECT id FROM {t} WHERE b = 1"),
    ("", "ALTER TABLE {t} ALTER a TYPE uuid USING NULL;", "SELECT a || 'x' || lower(a) FROM {t}"),
    ("CREATE VIEW v{t} AS SELECT id FROM {t};", "DROP VIEW v{t};", "SELECT id FROM v{t}"),
    (
        "CREATE FUNCTION f{t}(int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "DROP FUNCTION f{t}(int);",
        "SELECT f{t}(b) FROM {t}",
    ),
    (
        "CREATE FUNCTION f{t}(int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "ALTER FUNCTION f{t}(int) RENAME TO g{t};",
        "SELECT f{t}(b) FROM {t}",
    ),
    (
        "CREATE FUNCTION f{t}(numeric) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;",
        "CREATE FUNCTION f{t}(date) RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;",
        "SELECT f{t}('1')",
    ),
    (
        "CREATE TYPE e{t} AS ENUM ('new');",
        "ALTER TYPE e{t} RENAME VALUE 'new' TO 'old';",
        "SELECT 'new'::e{t}",
    ),
    ("CREATE TYPE e{t} AS ENUM ('new');", "DROP TYPE e{t};", "SELECT 'new'::e{t}"),
    ("", "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey;", "SELECT a FROM {t} GROUP BY id"),
    (
        "",
        "ALTER TABLE {t} DROP CONSTRAINT {t}_pkey;",
        "INSERT INTO {t} (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
    ),
    (
        "CREATE UNIQUE INDEX u{t} ON {t} (a);",
        "DROP INDEX u{t};",
        "INSERT INTO {t} (id, a) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET b = 1",
    ),
    ("", "ALTER TABLE {t} DROP COLUMN day;", "INSERT INTO {t} VALUES ($1, $2, $3, $4)"),
    ("CREATE SEQUENCE q{t};", "DROP SEQUENCE q{t};", "SELECT last_value FROM q{t}"),
    (
        "CREATE TABLE c{t} (id bigint);",
        "ALTER TABLE c{t} ADD COLUMN day date;",
        "SELECT day FROM {t} JOIN c{t} USING (id)",
    ),
)
HARMLESS = (
    ("ALTER TABLE {t} ADD COLUMN c text;", "SELECT a FROM {t}"),
    ("ALTER TABLE {t} ADD COLUMN c text;", "SELECT * FROM {t}"),
    ("ALTER TABLE {t} DROP COLUMN b;", "SELECT a FROM {t}"),
    ("ALTER TABLE {t} RENAME COLUMN b TO z;", "SELECT a FROM {t}"),
    ("CREATE INDEX ON {t} (a);", "SELECT a FROM {t} WHERE a = $1"),
    ("ALTER TABLE {t} ALTER b TYPE bigint;", "SELECT sum(b) FROM {t}"),
    ("ALTER TABLE {t} ALTER a TYPE varchar(50);", "SELECT lower(a) FROM {t} WHERE a = $1"),
    ("ALTER TABLE {t} ALTER a SET NOT NULL;", "INSERT INTO {t} (id, a) VALUES ($1, $2)"),
    ("ALTER TABLE {t} ADD CHECK (b > 0);", "UPDATE {t} SET b = $1"),
    ("ALTER TABLE {t} ADD UNIQUE (a);", "INSERT INTO {t} (id, a) VALUES ($1, $2)"),
    ("ALTER TABLE {t} ALTER b SET DEFAULT 1;", "INSERT INTO {t} (id) VALUES ($1)"),
    ("CREATE VIEW v{t} AS SELECT a FROM {t};", "SELECT a FROM {t}"),
    ("CREATE TABLE n{t} (id int);", "SELECT a FROM {t}"),
    ("ALTER TABLE {t} SET (fillfactor = 80);", "SELECT a FROM {t}"),
    ("COMMENT ON TABLE {t} IS 'x';", "SELECT a FROM {t}"),
    ("CREATE FUNCTION f{t}(int) RETURNS int LANGUAGE sql AS 'SELECT 1';", "SELECT abs(b) FROM {t}"),
    ("CREATE TYPE e{t} AS ENUM ('x');", "SELECT a FROM {t} WHERE a IN ('x')"),
    ("CREATE SCHEMA s{t};", "SELECT count(*) FROM {t}"),
    ("UPDATE {t} SET a = 'x';", "SELECT a FROM {t}"),
    (
        "ALTER TABLE {t} RENAME TO {t}_new; CREATE VIEW {t} AS SELECT * FROM {t}_new;",
        "SELECT a, b FROM {t} WHERE id = $1",
    ),
)


def test_each_breaking_change_names_its_query_with_the_servers_error(hazard_bench):
    before, texts, queries = [], [], []
    for number, (more, change, query) in enumerate(BREAKING):
        table = f"t{number}"
        before += [TABLE.format(t=table), more.format(t=table)]
        texts.append(change.format(t=table))
        queries.append(query.format(t=table))
    found = hazard_bench.findings("\n".join(before), *texts, queries=queries)
    broken = [f for f in found if f.rule == "query-breaks"]
    assert [f.migration.version - 2 for f in broken] == list(range(len(BREAKING)))
    for finding, query in zip(broken, queries, strict=True):
        assert finding.severity == "error"
        assert query in finding.detail
        assert finding.message.startswith("a query of the running release fails: ")
        assert finding.line is not None


def test_harmless_changes_break_no_query(hazard_bench):
    before, texts, queries = [], [], []
    for number, (change, query) in enumerate(HARMLESS):
        table = f"t{number}"
        before.append(TABLE.format(t=table))
        texts.append(change.format(t=table))
        queries.append(query.format(t=table))
    seen = hazard_bench.observe("\n".join(before), *texts, queries=queries)
    assert len(seen) == len(HARMLESS) >= 20
    assert [file.broken for file in seen] == [()] * len(HARMLESS)


def test_query_that_never_worked_is_no_finding(hazard_bench):
    before = TABLE.format(t="t")
    (file,) = hazard_bench.observe(before, "DROP TABLE t;", queries=["SELECT nothing FROM t"])
    assert file.broken == ()


def test_search_path_of_the_role_applies_to_queries(hazard_bench):
    before = "CREATE SCHEMA shop; CREATE TABLE shop.t (id int);"
    (file,) = hazard_bench.observe(before, "DROP TABLE shop.t;", queries=["SELECT id FROM shop.t"])
    assert [query for query, _ in file.broken] == ["SELECT id FROM shop.t"]
    assert "query-breaks" in RULE_IDS
