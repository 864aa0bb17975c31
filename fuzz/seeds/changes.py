"""What single migrations of a history do to its schema, with the rows that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.seeds.world import READER, WRITER

if TYPE_CHECKING:
    from fuzz.seeds.steps import Pen, Step

__all__ = ["SCHEMA_STEPS"]


def _column(p: Pen) -> str:
    table = p.some("users", "roles")
    column = p.some("extra", f"extra{p.number}", f"extra{p.number}")
    default = p.some(
        "timestamptz DEFAULT now()",
        "timestamptz DEFAULT clock_timestamp()",
        "bigint DEFAULT nextval('shared_ids')",
        "uuid DEFAULT gen_random_uuid()",
        "text DEFAULT 'x'",
        "int NOT NULL DEFAULT 0",
        "serial",
        "int DEFAULT current_level()",
        "int GENERATED ALWAYS AS IDENTITY",
    )
    guard = p.some("", " IF NOT EXISTS")
    return f"ALTER TABLE {table} ADD COLUMN{guard} {column} {default};"


def _column_of_a_sequence(p: Pen) -> str:
    """Write a column whose default is the value that another insert drew last."""
    if p.w.kind("users") != "shared" or "links" in p.w.flags:
        return _column(p)
    p.w.flags.add("links")
    p.w.soft["links", "user_id"] = ("users", "id")
    return (
        "CREATE TABLE links (user_id bigint DEFAULT currval('shared_ids'), what text);\n"
        f"INSERT INTO users (name) VALUES ('{p.new('user')}');\n"
        "INSERT INTO links (what) VALUES ('first');"
    )


def _setval(p: Pen) -> str:
    sequence = p.some("shared_ids", "ids", "names")
    if p.w.kind("users") in {"serial", "bigserial", "always", "by default"}:
        sequence = p.some("users_id_seq", sequence)
    most = "(SELECT count(*) + 1 FROM users)"
    if p.w.type("users") in {"int", "bigint"}:
        most = p.some(most, "(SELECT coalesce(max(id), 0) + 1 FROM users)")
    value = p.some("50", "100", most)
    return f"SELECT setval('{sequence}', {value}, {p.some('true', 'false')});"


def _nextval(p: Pen) -> str:
    sequence = p.some("shared_ids", "ids")
    return p.some(
        f"SELECT nextval('{sequence}');",
        f"SELECT nextval('{sequence}') FROM generate_series(1, 3);",
        f"CREATE TABLE IF NOT EXISTS numbers (n bigint, what text);\nINSERT INTO numbers VALUES"
        f" (nextval('{sequence}'), 'next'), (currval('{sequence}'), 'again');",
    )


def _copied_table(p: Pen) -> str:
    name = p.some("users_copy", f"copy{p.number}")
    columns = p.some(
        "*", "name", "id AS user_id, name", "name, created", "md5(id::text) AS h, name"
    )
    columns = columns.replace("created", "updated_at")
    if "user_id" in columns:
        p.w.soft[name, "user_id"] = ("users", "id")
    if columns == "*":
        p.w.soft[name, "id"] = ("users", "id")
        p.w.soft[name, "role_id"] = ("roles", "id")
    return f"CREATE TABLE {name} AS SELECT {columns} FROM users;"


def _view(p: Pen) -> str:
    name = f"view{p.number}"
    kind, columns = p.some("", "MATERIALIZED "), p.some("*", "id, name", "count(*) AS n", "name")
    if kind and "id" in columns:
        p.w.soft[name, "id"] = ("users", "id")
    if kind and columns == "*":
        p.w.soft[name, "id"] = ("users", "id")
        p.w.soft[name, "role_id"] = ("roles", "id")
    return f"CREATE {kind}VIEW {name} AS SELECT {columns} FROM users;"


def _cards(p: Pen) -> str:
    """Write a materialized view that shows keys under other names."""
    p.w.soft["cards", "user_id"] = ("users", "id")
    p.w.soft["cards", "role"] = ("roles", "id")
    return (
        "DROP MATERIALIZED VIEW IF EXISTS cards;\nCREATE MATERIALIZED VIEW cards AS SELECT u.id AS"
        " user_id, u.name, r.id AS role, r.name AS role_name FROM users u LEFT JOIN roles r ON"
        " r.id = u.role_id;"
    )


def _refresh(p: Pen) -> str:
    return (
        "DO $$ DECLARE v record; BEGIN FOR v IN SELECT format('%I.%I', schemaname, matviewname) AS"
        " name FROM pg_matviews LOOP\n    EXECUTE 'REFRESH MATERIALIZED VIEW ' || v.name;\n"
        f"END LOOP; END $$; -- {p.number}"
    )


def _enum(p: Pen) -> str:
    value = p.some(f"s{p.number}", f"s{p.number}", "late")
    where = p.some("", " BEFORE 'done'", " AFTER 'open'")
    guard = p.some("", " IF NOT EXISTS")
    return f"ALTER TYPE status ADD VALUE{guard} '{value}'{where};"


def _function(p: Pen) -> str:
    body = p.some(
        f"SELECT {p.rng.randint(1, 4)}",
        "SELECT count(*)::int FROM roles",
        "SELECT max(level) FROM roles",
    )
    return f"CREATE OR REPLACE FUNCTION current_level() RETURNS int LANGUAGE sql AS $$ {body} $$;"


def _level(p: Pen) -> str:
    return "INSERT INTO roles (name, level) VALUES ('" + p.new("lv") + "', current_level());"


def _dynamic(p: Pen) -> str:
    return p.some(
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM roles WHERE name ~ '^[a-z]+$'"
        " ORDER BY name LOOP\n    EXECUTE format('CREATE TABLE IF NOT EXISTS %I (n int)', 'of_' ||"
        " r.name);\nEND LOOP; END $$;",
        "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE users IS %L', 'set at ' ||"
        " clock_timestamp()); END $$;",
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM users WHERE name = 'ops') THEN\n"
        "    INSERT INTO users (name) VALUES ('ops');\nEND IF; END $$;",
        "DO $$ DECLARE made bigint; BEGIN\n    INSERT INTO roles (name) VALUES ('"
        + p.new("dyn")
        + "');\n    SELECT count(*) INTO made FROM roles;\n    UPDATE roles SET level = made WHERE"
        " level IS NULL;\nEND $$;",
        "DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO users (name) VALUES ('loop' || i); END LOOP;"
        " END $$;",
    )


def _path(p: Pen) -> str:
    return (
        f"CREATE SCHEMA IF NOT EXISTS app;\nSET search_path = app, public;\n"
        f"CREATE TABLE {p.some('things', f'things{p.number}')} (id serial PRIMARY KEY, name text);"
        f"\nINSERT INTO users (name) VALUES ('{p.new('user')}');"
    )


def _security(p: Pen) -> str:
    return (
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY;\n"
        + p.some("ALTER TABLE users FORCE ROW LEVEL SECURITY;\n", "", "")
        + f"CREATE POLICY p{p.number} ON users USING (name <> 'root');"
    )


def _index(p: Pen) -> str:
    return p.some(
        "CREATE INDEX ON users (name);",
        f"CREATE INDEX users_{p.number} ON users (lower(name));",
        "ALTER TABLE users ADD CHECK (name <> '');",
        "ALTER TABLE roles ADD CONSTRAINT levels CHECK (level < 100);",
        "CREATE UNIQUE INDEX ON users (name);",
        "ALTER TABLE roles ALTER COLUMN level SET DEFAULT 5;",
        "ALTER TABLE users ALTER COLUMN email SET DEFAULT 'none';",
    )


def _partition(p: Pen) -> str:
    return (
        f"CREATE TABLE events_{p.number} (LIKE events INCLUDING DEFAULTS);\n"
        f"INSERT INTO events_{p.number} (kind, payload) VALUES ('p{p.number}', '{{}}');\n"
        f"ALTER TABLE events_{p.number} ADD CHECK (kind = 'p{p.number}');\n"
        f"ALTER TABLE events ATTACH PARTITION events_{p.number} FOR VALUES IN ('p{p.number}');"
    )


def _trigger(p: Pen) -> str:
    return p.some(
        "CREATE OR REPLACE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN NEW.name"
        " := upper(NEW.name); RETURN NEW; END $$;\nCREATE TRIGGER shout"
        + str(p.number)
        + " BEFORE INSERT ON roles FOR EACH ROW EXECUTE FUNCTION shout();",
        "CREATE RULE keep AS ON DELETE TO roles DO INSTEAD NOTHING;",
    )


def _view_grant(p: Pen) -> str:
    return (
        f"CREATE OR REPLACE VIEW admins AS SELECT u.name FROM users u JOIN roles r ON r.id ="
        f" u.role_id WHERE r.name = '{p.some('admin', 'ops')}';\nGRANT SELECT ON admins TO"
        f" {p.some(READER, WRITER)};"
    )


def _foreign_key(p: Pen) -> str:
    column = p.some("grants", "tokens")
    if not p.w.has(column) or (column, "user_id") not in p.w.soft:
        return _index(p)
    return f"ALTER TABLE {column} ADD FOREIGN KEY (user_id) REFERENCES users;"


SCHEMA_STEPS: tuple[Step, ...] = (
    *(("column", _column, ()), ("column", _column, ()), ("currval", _column_of_a_sequence, ())),
    *(("setval", _setval, ()), ("nextval", _nextval, ()), ("copied table", _copied_table, ())),
    *(("view", _view, ()), ("cards", _cards, ()), ("refresh", _refresh, ())),
    *(("enum", _enum, ("tasks",)), ("function", _function, ()), ("level", _level, ())),
    *(("dynamic", _dynamic, ()), ("path", _path, ()), ("security", _security, ())),
    *(("index", _index, ()), ("partition", _partition, ("events",)), ("trigger", _trigger, ())),
    *(("view of both", _view_grant, ()), ("foreign key", _foreign_key, ())),
)
