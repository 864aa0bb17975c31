"""What single migrations of a history do to its tables: rows, and what reads or copies rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fuzz.seeds.world import READER, WRITER

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from fuzz.seeds.world import World

__all__ = ["ROW_STEPS", "Pen", "Step", "steps_for"]

_SHARED = ("admin", "guest", "ops", "root")


@dataclass(slots=True)
class Pen:
    """Writes the statements of one migration, the ``number``-th."""

    w: World
    number: int
    count: int = field(default=0)

    @property
    def rng(self) -> random.Random:
        """What is left to chance."""
        return self.w.rng

    def new(self, stem: str) -> str:
        """Return a name that no other migration takes, or, now and then, one that others take."""
        if self.rng.random() < 0.12:
            return self.rng.choice(_SHARED)
        self.count += 1
        return f"{stem}{self.number}_{self.count}"

    def some(self, *texts: str) -> str:
        """Choose one of these."""
        return self.rng.choice(texts)

    def time(self) -> str:
        """Return an expression that is another one at each run."""
        return self.some("now()", "clock_timestamp()", "now() + interval '1 day'")

    def found(self, table: str) -> str:
        """Return a query for the key of a row that an earlier migration may have inserted."""
        column = {"nodes": "label", "tasks": "title"}.get(table, "name")
        literal = self.w.literal(table, self.rng.randint(1, 3))
        if literal is not None and self.rng.random() < 0.15:
            return literal
        by_name = f"(SELECT id FROM {table} WHERE {column} = '{self.rng.choice(_SHARED)}')"
        random = self.w.kind(table) == "uuid" and self.rng.random() < 0.9
        last = f"(SELECT id FROM {table} ORDER BY {column if random else 'id'} DESC LIMIT 1)"
        first = f"(SELECT id FROM {table} ORDER BY {column} LIMIT 1)"
        return self.rng.choices((by_name, last, first), (8, 1, 2))[0]


Step = tuple[str, "Callable[[Pen], str]", tuple[str, ...]]
"""A name, what writes the statements, and the tables that it needs."""


def _role(p: Pen) -> str:
    name = p.new("role")
    clause = p.some("", " ON CONFLICT DO NOTHING", " ON CONFLICT (name) DO UPDATE SET level = 9")
    return f"INSERT INTO roles (name, level) VALUES ('{name}', {p.rng.randint(1, 5)}){clause};"


def _user(p: Pen) -> str:
    name = p.new("user")
    email = p.some("NULL", f"'{name}@x.org'")
    profile = p.some("'{}'", f"'{{\"theme\": {p.rng.randint(1, 3)}}}'")
    if p.rng.random() < 0.12:
        profile = f"jsonb_build_object('by', '{name}', 'at', {p.time()})"
    return (
        "INSERT INTO users (name, email, role_id, profile) VALUES"
        f" ('{name}', {email}, {p.found('roles')}, {profile});"
    )


def _users(p: Pen) -> str:
    names = ", ".join(f"('{p.new('user')}')" for _ in range(p.rng.randint(2, 4)))
    return f"INSERT INTO users (name) VALUES {names};"


def _user_in_cte(p: Pen) -> str:
    table = p.some("grants", "tokens", "notes")
    if not p.w.has(table):
        return _user(p)
    use = {
        "grants": "INSERT INTO grants (user_id, what) SELECT id, 'read' FROM made",
        "tokens": "INSERT INTO tokens (user_id, expires_at, scope) SELECT id, now(), '{all}'"
        " FROM made",
        "notes": "INSERT INTO notes (body) SELECT 'made ' || name FROM made",
    }[table]
    return (
        f"WITH made AS (INSERT INTO users (name) VALUES ('{p.new('user')}') RETURNING id, name)\n"
        f"{use};"
    )


def _explicit_user(p: Pen) -> str:
    number = p.rng.randint(1, 6)
    literal = p.w.literal("users", number)
    if literal is None:
        literal = f"'00000000-0000-0000-0000-{number:012d}'"
    over = " OVERRIDING SYSTEM VALUE" if p.w.kind("users") == "always" else ""
    clause = p.some("", " ON CONFLICT DO NOTHING")
    return f"INSERT INTO users (id, name){over} VALUES ({literal}, '{p.new('user')}'){clause};"


def _role_with_number(p: Pen) -> str:
    literal = p.w.literal("roles", p.rng.randint(3, 9))
    if literal is None:
        return _role(p)
    over = " OVERRIDING SYSTEM VALUE" if p.w.kind("roles") == "always" else ""
    return f"INSERT INTO roles (id, name){over} VALUES ({literal}, '{p.new('role')}');"


def _grant(p: Pen) -> str:
    user = p.found("users")
    return f"INSERT INTO grants (user_id, what) SELECT {user}, '{p.some('read', 'write')}';"


def _grants_for_all(p: Pen) -> str:
    return f"INSERT INTO grants (user_id, what) SELECT id, 'bulk{p.number}' FROM users;"


def _node(p: Pen) -> str:
    return f"INSERT INTO nodes (label, parent_id) VALUES ('{p.new('n')}', {p.found('nodes')});"


def _chain(p: Pen) -> str:
    label = p.new("n")
    return (
        f"WITH top AS (INSERT INTO nodes (label) VALUES ('{label}') RETURNING id),\n"
        "middle AS (INSERT INTO nodes (label, parent_id) SELECT 'same', id FROM top RETURNING id)\n"
        "INSERT INTO nodes (label, parent_id) SELECT 'same', id FROM middle;"
    )


def _ring(p: Pen) -> str:
    """Write rows that look the same, and refer to each other in a ring."""
    label = p.some("ring", f"ring{p.number}")
    rows = (
        f"INSERT INTO nodes (label) SELECT '{label}' FROM generate_series(1,"
        f" {p.rng.randint(2, 4)});"
    )
    close = (
        "UPDATE nodes SET parent_id = o.next FROM (SELECT id, coalesce(lead(id) OVER w,"
        f" first_value(id) OVER w) AS next FROM nodes WHERE label = '{label}' AND parent_id IS NULL"
        " WINDOW w AS (ORDER BY id)) o WHERE nodes.id = o.id;"
    )
    return rows if p.rng.random() < 0.3 else f"{rows}\n{close}"


def _order(p: Pen) -> str:
    no = p.rng.randint(1, 3)
    name = p.new("buyer")
    return (
        f"WITH made AS (INSERT INTO users (name) VALUES ('{name}') RETURNING id),\n"
        f"placed AS (INSERT INTO orders (user_id, no, total) SELECT id, {no}, 10 FROM made"
        " RETURNING user_id, no)\n"
        "INSERT INTO lines SELECT user_id, no, 'book' FROM placed;"
    )


def _order_number(p: Pen) -> str:
    return (
        "INSERT INTO orders (user_id, no, total) SELECT id, 10 + (SELECT count(*) FROM orders),"
        f" {p.number} FROM users ORDER BY name LIMIT 1;"
    )


def _event(p: Pen) -> str:
    payload = p.some(
        "'{}'",
        f"'{{\"n\": {p.number}}}'",
        f"jsonb_build_object('n', {p.number}, 'at', now())",
        "(SELECT jsonb_agg(name ORDER BY name) FROM users)",
        "(SELECT jsonb_object_agg(name, id) FROM roles)",
    )
    return f"INSERT INTO events (kind, payload) VALUES ('{p.some('a', 'b', 'c')}', {payload});"


def _account(p: Pen) -> str:
    return (
        f"WITH made AS (INSERT INTO accounts (name) VALUES ('{p.new('acc')}') RETURNING id)\n"
        f"INSERT INTO payments SELECT id, {p.number} FROM made;"
    )


def _payment(p: Pen) -> str:
    return f"INSERT INTO payments VALUES ({p.found('accounts')}, {p.number});"


def _tag(p: Pen) -> str:
    name, weight = p.some("red", "blue", p.new("tag")), p.rng.randint(1, 4)
    return f"INSERT INTO tags VALUES {', '.join([f'({name!r}, {weight})'] * p.rng.randint(1, 3))};"


def _tag_changes(p: Pen) -> str:
    return p.some(
        "DELETE FROM tags WHERE weight > 2;",
        "UPDATE tags SET weight = weight + 1;",
        "UPDATE tags SET weight = weight * 2 WHERE name = 'red';",
        "DELETE FROM tags a USING tags b WHERE a.ctid > b.ctid AND a.name = b.name AND a.weight ="
        " b.weight;",
        "INSERT INTO tags SELECT name, weight + row_number() OVER (ORDER BY name, weight) FROM"
        " tags;",
        "INSERT INTO tags SELECT DISTINCT name, 0 FROM tags;",
    )


def _setting(p: Pen) -> str:
    key = p.some("theme", f"key{p.number}", f"key{p.number}")
    value = p.some(f"'{p.number}'", "'on'", "now()::text", f"'since ' || now() || ' by {p.number}'")
    clause = p.some(
        "",
        " ON CONFLICT DO NOTHING",
        " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, version = settings.version + 1",
        " ON CONFLICT (key) DO UPDATE SET version = settings.version + 1, changed_at = now()",
    )
    return f"INSERT INTO settings (key, value) VALUES ('{key}', {value}){clause};"


def _merge(p: Pen) -> str:
    return (
        f"MERGE INTO settings s USING (VALUES ('theme', '{p.some('dark', 'light')}'),"
        f" ('key{p.number}', 'm')) AS v (key, value) ON s.key = v.key\n"
        "WHEN MATCHED THEN UPDATE SET value = v.value, changed_at = now()\n"
        "WHEN NOT MATCHED THEN INSERT (key, value) VALUES (v.key, v.value);"
    )


def _token(p: Pen) -> str:
    return (
        f"INSERT INTO tokens (user_id, expires_at, scope) VALUES ({p.found('users')},"
        f" {p.time()}, ARRAY['{p.some('read', 'all')}', 's{p.number}']);"
    )


def _note(p: Pen) -> str:
    body = p.some(
        f"'note {p.number}'",
        f"'note {p.number} at ' || {p.time()}",
        f"md5('note {p.number}')",
        f"md5({p.time()}::text)",
        "(SELECT string_agg(name, ',' ORDER BY name) FROM users)",
        "(SELECT string_agg(id || '=' || name, ',' ORDER BY name) FROM roles)",
        "(SELECT md5(string_agg(id::text, ',' ORDER BY name)) FROM users)",
        f"(SELECT name FROM users ORDER BY {p.w.place('users')} LIMIT 1)",
        "(SELECT 'users: ' || count(*) FROM users)",
        f"'{p.new('x')} ' || gen_random_uuid()",
    )
    return f"INSERT INTO notes (body) SELECT {body};"


def _note_data(p: Pen) -> str:
    data = p.some(
        f"jsonb_build_object('n', {p.number}, 'at', {p.time()})",
        f"jsonb_build_object('by', (SELECT max(name) FROM users), 'at', {p.time()})",
        "(SELECT jsonb_agg(to_jsonb(r) - 'created_at' ORDER BY r.name) FROM roles r)",
        "(SELECT jsonb_agg(to_jsonb(r) ORDER BY r.name) FROM roles r)",
        "(SELECT jsonb_build_object('user_id', id) FROM users ORDER BY name LIMIT 1)",
    )
    items = p.some(
        "NULL",
        f"ARRAY['a{p.number}', now()::text]",
        "(SELECT array_agg(id::text ORDER BY name) FROM users)",
        f"(SELECT array_agg(name ORDER BY {p.w.place('roles')}) FROM roles)",
    )
    return f"INSERT INTO notes (body, data, list) SELECT 'data {p.number}', {data}, {items};"


def _numbered(p: Pen) -> str:
    by = p.some("name", p.w.place("roles"))
    return (
        f"INSERT INTO notes (body) SELECT 'rank ' || row_number() OVER (ORDER BY {by}) || ' ' ||"
        " name FROM roles;"
    )


def _task(p: Pen) -> str:
    return (
        f"INSERT INTO tasks (title, state, owner_id) VALUES ('{p.new('task')}',"
        f" '{p.some('open', 'done')}', {p.found('users')});"
    )


def _copy(p: Pen) -> str:
    lines = "".join(f"{p.new('user')}\t{p.some('a@b', chr(92) + 'N')}\n" for _ in range(2))
    return f"COPY users (name, email) FROM stdin;\n{lines}\\.\n"


def _code(p: Pen) -> str:
    return f"INSERT INTO codes (what) VALUES ('{p.new('code')}');"


def _update(p: Pen) -> str:
    return p.some(
        "UPDATE users SET updated_at = now();",
        "UPDATE users SET updated_at = now() WHERE role_id IS NOT NULL;",
        "UPDATE users SET profile = profile || jsonb_build_object('seen', name);",
        "UPDATE users SET profile = profile || jsonb_build_object('at', now());",
        "UPDATE users u SET role_id = r.id FROM roles r WHERE r.name = 'admin' AND u.role_id IS"
        " NULL;",
        "UPDATE roles SET level = coalesce(level, 0) + 1;",
        "UPDATE roles SET level = 7 WHERE name = 'admin';",
        "UPDATE users SET email = lower(name) || '@y.org' WHERE email IS NULL;",
        "UPDATE users u SET name = u.name || '/' || r.name FROM roles r WHERE r.id = u.role_id;",
    )


def _delete(p: Pen) -> str:
    return p.some(
        "DELETE FROM users WHERE role_id IS NULL;",
        "DELETE FROM roles WHERE level > 4;",
        "DELETE FROM users WHERE name LIKE 'user%_2';",
        f"DELETE FROM users WHERE id = {p.w.literal('users', 2) or 'NULL'};",
        "DELETE FROM roles r WHERE NOT EXISTS (SELECT FROM users u WHERE u.role_id = r.id) AND"
        " r.level IS NULL;",
    )


def _privilege(p: Pen) -> str:
    table = p.some("users", "roles")
    return p.some(
        f"GRANT SELECT ON {table} TO {READER};",
        f"GRANT SELECT, INSERT ON {table} TO {WRITER};",
        f"REVOKE SELECT ON {table} FROM {READER};",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};",
        f"COMMENT ON TABLE {table} IS 'by {p.number}';",
    )


ROW_STEPS: tuple[Step, ...] = (
    *(("role", _role, ()), ("role", _role, ()), ("user", _user, ()), ("user", _user, ())),
    *(("user", _user, ()), ("users", _users, ()), ("user in a CTE", _user_in_cte, ())),
    *(("explicit user", _explicit_user, ()), ("explicit role", _role_with_number, ())),
    *(("grant", _grant, ("grants",)), ("grants for all", _grants_for_all, ("grants",))),
    *(("node", _node, ("nodes",)), ("chain", _chain, ("nodes",)), ("ring", _ring, ("nodes",))),
    *(("order", _order, ("orders",)), ("order number", _order_number, ("orders",))),
    *(("event", _event, ("events",)), ("account", _account, ("accounts",))),
    *(("payment", _payment, ("accounts",)), ("tag", _tag, ("tags",))),
    *(("tags change", _tag_changes, ("tags",)), ("setting", _setting, ("settings",))),
    *(
        ("merge", _merge, ("settings",)),
        ("token", _token, ("tokens",)),
        ("note", _note, ("notes",)),
    ),
    *(("note", _note, ("notes",)), ("data", _note_data, ("notes",))),
    *(("numbered", _numbered, ("notes",)), ("task", _task, ("tasks",)), ("copy", _copy, ())),
    *(("code", _code, ("codes",)), ("update", _update, ()), ("delete", _delete, ())),
    ("privilege", _privilege, ()),
)


def steps_for(w: World, steps: tuple[Step, ...]) -> list[Step]:
    """Return the steps whose tables a history has."""
    return [step for step in steps if all(map(w.has, step[2]))]
