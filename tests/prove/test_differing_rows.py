"""The rows that differ between two orders, row by row."""

import pickle

import pytest

from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.model.snapshot import MASKED_VALUE, AttributeDifference, RowDifference, RowDifferences
from pgbraid.postgres.catalog.rows import differing_rows, traced_table
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.loader import load_migrations

# The recorded order runs `second` before `first`.
PLANS = "CREATE TABLE plan (key text PRIMARY KEY, price int, note text)"


@pytest.fixture
def rows_of(scratch):
    """Prove two orders of two migrations after a first one; return the rows of a table."""

    def run(table, first, second, name="table public.plan"):
        files = {"1_table.sql": table, "2_first.sql": first, "3_second.sql": second}
        one, two, three = load_migrations(files).migrations
        replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
        orders = OrderPair((one, three, two), (one, two, three))
        compared = compare_orders(replayer, orders, on_event=lambda _: None, pair=False)
        rows = {d.name: d.rows for d in compared.differences if d.facet == "data"}
        return rows.get(f"rows of {name}")

    return run


def values_of(rows):
    """Return key, side and values of each shown row."""
    return [(dict(r.key), r.only, [(v.name, v.left, v.right) for v in r.values]) for r in rows.rows]


def test_row_of_one_key_is_shown_with_differing_columns(rows_of):
    table = f"{PLANS}; INSERT INTO plan VALUES ('gold', 10, 'x'), ('free', 0, 'y')"
    rows = rows_of(table, "UPDATE plan SET price = price + 1", "UPDATE plan SET price = price * 2")
    assert values_of(rows) == [
        ({"key": "free"}, None, [("price", "1", "2")]),
        ({"key": "gold"}, None, [("price", "21", "22")]),
    ]
    assert (rows.changed, rows.only_left, rows.only_right, rows.more) == (2, 0, 0, 0)


def test_rows_of_one_order_are_shown_with_all_columns(rows_of):
    rows = rows_of(
        f"{PLANS}; INSERT INTO plan VALUES ('gold', 10, NULL)",
        "INSERT INTO plan SELECT 'a' || count(*), count(*) FROM plan",
        "INSERT INTO plan SELECT 'b' || count(*), count(*) FROM plan",
    )
    assert values_of(rows) == [
        ({"key": "a2"}, "left", [("price", "2", None), ("note", None, None)]),
        ({"key": "b1"}, "left", [("price", "1", None), ("note", None, None)]),
        ({"key": "a1"}, "right", [("price", None, "1"), ("note", None, None)]),
        ({"key": "b2"}, "right", [("price", None, "2"), ("note", None, None)]),
    ]
    assert (rows.changed, rows.only_left, rows.only_right) == (0, 2, 2)


@pytest.mark.parametrize(
    ("key", "shown"), [("UNIQUE NOT NULL", {"code": "7"}), ("UNIQUE", {}), ("NOT NULL", {})]
)
def test_only_unique_columns_that_are_not_null_are_key(rows_of, key, shown):
    rows = rows_of(
        f"CREATE TABLE plan (code int {key}, n int); INSERT INTO plan VALUES (7, 1)",
        "UPDATE plan SET n = n + 1",
        "UPDATE plan SET n = n * 2",
    )
    assert [dict(row.key) for row in rows.rows] == ([shown] if shown else [{}, {}])
    assert rows.changed == (1 if shown else 0)


SERIAL = "CREATE TABLE plan (id serial PRIMARY KEY, name text, n int)"


def test_row_with_other_generated_number_is_not_shown(rows_of):
    rows = rows_of(
        SERIAL,
        "INSERT INTO plan (name, n) VALUES ('a', 0); UPDATE plan SET n = n + 1 WHERE name = 'b'",
        "INSERT INTO plan (name, n) VALUES ('b', 0)",
    )
    assert values_of(rows) == [
        ({"id": "1"}, "left", [("name", "b", None), ("n", "1", None)]),
        ({"id": "2"}, "right", [("name", None, "b"), ("n", None, "0")]),
    ]


def test_row_with_equal_generated_number_and_column_is_shown_as_one(rows_of):
    rows = rows_of(
        f"{SERIAL}; INSERT INTO plan (name, n) VALUES ('a', 1), ('b', 1)",
        "UPDATE plan SET n = n + 1 WHERE id = 2",
        "UPDATE plan SET n = n * 2 WHERE id = 2",
    )
    assert values_of(rows) == [({"id": "2"}, None, [("n", "3", "4")])]
    assert (rows.changed, rows.only_left, rows.only_right) == (1, 0, 0)


def test_equal_generated_number_of_other_row_does_not_match(rows_of):
    rows = rows_of(
        SERIAL,
        "INSERT INTO plan (name) VALUES ('a'); UPDATE plan SET n = 2",
        "INSERT INTO plan (name) VALUES ('b'); UPDATE plan SET n = 3 WHERE name = 'a'",
    )
    assert (rows.changed, rows.only_left, rows.only_right) == (0, 2, 2)


def test_row_is_matched_by_other_key_than_generated_one(rows_of):
    rows = rows_of(
        "CREATE TABLE plan (id serial PRIMARY KEY, name text UNIQUE NOT NULL, n int DEFAULT 1)",
        "INSERT INTO plan (name) VALUES ('a'); UPDATE plan SET n = n + 1",
        "INSERT INTO plan (name) VALUES ('b'); UPDATE plan SET n = n * 2",
    )
    assert values_of(rows) == [
        ({"name": "a"}, None, [("n", "2", "4")]),
        ({"name": "b"}, None, [("n", "3", "2")]),
    ]


def test_equal_rows_without_key_are_counted(rows_of):
    rows = rows_of(
        "CREATE TABLE plan (a int); INSERT INTO plan VALUES (0), (0)",
        "UPDATE plan SET a = a + 1",
        "UPDATE plan SET a = a * 2",
    )
    assert [(row.only, row.number) for row in rows.rows] == [("left", 2), ("right", 2)]
    assert (rows.only_left, rows.only_right, rows.more) == (2, 2, 0)


def test_row_that_refers_to_another_row_is_shown_as_linked(rows_of):
    rows = rows_of(
        "CREATE TABLE parent (id serial PRIMARY KEY, name text);"
        "CREATE TABLE plan (code int PRIMARY KEY, parent int REFERENCES parent)",
        "INSERT INTO parent (name) VALUES ('a');INSERT INTO plan SELECT 1, min(id) FROM parent",
        "INSERT INTO parent (name) VALUES ('b')",
    )
    assert values_of(rows) == [({"code": "1"}, None, [])]
    assert rows.changed == 1


def test_twenty_rows_with_lowest_keys_are_shown(rows_of):
    rows = rows_of(
        "CREATE TABLE plan (id int PRIMARY KEY, n int);"
        "INSERT INTO plan SELECT n, 1 FROM generate_series(1, 1000) n",
        "UPDATE plan SET n = n + 1 WHERE id <= 200",
        "UPDATE plan SET n = n * 2 WHERE id <= 200",
    )
    assert len(rows.rows) == differing_rows.SHOWN_ROWS == 20
    assert [row.only for row in rows.rows] == [None] * 20
    assert [dict(row.key)["id"] for row in rows.rows] == [str(n) for n in range(1, 21)]
    assert (rows.changed, rows.only_left, rows.only_right, rows.more) == (200, 0, 0, 180)


def test_each_kind_has_its_share_of_rows(rows_of):
    rows = rows_of(
        "CREATE TABLE plan (id int PRIMARY KEY, n int);"
        "INSERT INTO plan SELECT n, 1 FROM generate_series(1, 100) n",
        "INSERT INTO plan SELECT 200 + n, 1 FROM generate_series(1, 3) n"
        " WHERE (SELECT n FROM plan WHERE id = 1) = 1; UPDATE plan SET n = n + 1 WHERE id <= 100",
        "INSERT INTO plan SELECT 300 + n, 1 FROM generate_series(1, 40) n"
        " WHERE (SELECT n FROM plan WHERE id = 1) = 1; UPDATE plan SET n = n * 2 WHERE id <= 100",
    )
    assert (rows.changed, rows.only_left, rows.only_right) == (100, 40, 3)
    assert [row.only for row in rows.rows] == [None] * 9 + ["left"] * 8 + ["right"] * 3
    assert rows.more == 123


MANY = (
    "CREATE TABLE plan (id int PRIMARY KEY, n int, note text);"
    "INSERT INTO plan SELECT n, 1, repeat('x', 20) FROM generate_series(1, 60000) n"
)


def test_only_parts_of_large_table_that_differ_reach_client(rows_of, monkeypatch):
    sent = []
    stream = traced_table.TracedTable.stream

    def counted(self, *arguments):
        for item in stream(self, *arguments):
            sent.append(item)
            yield item

    monkeypatch.setattr(traced_table.TracedTable, "stream", counted)
    rows = rows_of(
        MANY,
        "UPDATE plan SET n = n + 1 WHERE id % 20000 = 7",
        "UPDATE plan SET n = n * 2 WHERE id % 20000 = 7",
    )
    assert [dict(row.key) for row in rows.rows] == [{"id": "7"}, {"id": "20007"}, {"id": "40007"}]
    assert rows.complete
    assert 6 <= len(sent) < 1000


def test_comparison_of_very_many_differing_rows_ends_early(rows_of, monkeypatch):
    monkeypatch.setattr(traced_table, "_MOST", 20_000)
    rows = rows_of(MANY, "UPDATE plan SET n = n + 1", "UPDATE plan SET n = n * 2")
    assert len(rows.rows) == 20
    assert not rows.complete
    assert 0 < rows.changed < 60_000
    assert (rows.only_left, rows.only_right) == (0, 0)


def test_column_of_one_order_is_named_and_not_compared(rows_of):
    table = f"{PLANS}; INSERT INTO plan VALUES ('gold', 10, NULL)"
    only_there = (
        "DO $$ BEGIN IF (SELECT price FROM plan) = 10 THEN ALTER TABLE plan ADD c int DEFAULT 7;"
        " END IF; END $$"
    )
    rows = rows_of(table, "UPDATE plan SET price = 11", only_there)
    assert rows.columns == ("c",)
    assert rows.rows == ()
    rows = rows_of(table, "UPDATE plan SET price = price + 1", f"{only_there}; {TIMES_TWO}")
    assert values_of(rows) == [({"key": "gold"}, None, [("price", "21", "22")])]


TIMES_TWO = "UPDATE plan SET price = price * 2"


def test_value_that_changes_in_each_replay_is_not_shown(rows_of):
    table = "CREATE TABLE plan (key text PRIMARY KEY, n int, at text)"
    rows = rows_of(
        table,
        "INSERT INTO plan SELECT 'a', count(*), clock_timestamp() FROM plan",
        "INSERT INTO plan SELECT 'b' || count(*), count(*), clock_timestamp() FROM plan",
    )
    assert values_of(rows) == [
        ({"key": "a"}, None, [("n", "1", "0")]),
        ({"key": "b0"}, "left", [("n", "0", None), ("at", "<changing>", None)]),
        ({"key": "b1"}, "right", [("n", None, "1"), ("at", None, "<changing>")]),
    ]


def test_long_value_is_cut_around_first_difference(rows_of):
    table = f"{PLANS}; INSERT INTO plan VALUES ('gold', 1, repeat('x', 500))"
    first, second = (f"UPDATE plan SET note = note || '{c}' || repeat(' ', 300)" for c in "ab")
    (value,) = rows_of(table, first, second).rows[0].values
    assert value.left.startswith("…" + "x" * 20 + "b ")
    assert value.right.startswith("…" + "x" * 20 + "a ")
    assert max(len(value.left), len(value.right)) < 110
    table = f"{PLANS}; INSERT INTO plan VALUES ('gold', 1, repeat('x', 5000))"
    (value,) = rows_of(table, first, second).rows[0].values
    assert value.left == value.right == "x" * 100 + "… (it differs later)"


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("CREATE TABLE plan (key text, n int, PRIMARY KEY (key, n)) PARTITION BY LIST (n);"
         "CREATE TABLE one PARTITION OF plan FOR VALUES IN (1);"
         "CREATE TABLE two PARTITION OF plan DEFAULT", "table public.plan"),
        ('CREATE TABLE "pl%an ""x" (key text, n int);'
         'CREATE VIEW plan AS SELECT * FROM "pl%an ""x"', 'table public."pl%an ""x"'),
        ("CREATE TABLE t (key text, n int); CREATE VIEW plan AS SELECT * FROM t;"
         "CREATE MATERIALIZED VIEW m AS SELECT * FROM t", "materialized view public.m"),
    ],
)  # fmt: skip
def test_rows_of_every_kind_of_table_are_shown(rows_of, table, name):
    refresh = "; REFRESH MATERIALIZED VIEW m" if "MATERIALIZED" in table else ""
    first = f"INSERT INTO plan SELECT 'a', count(*) FROM plan{refresh}"
    second = f"INSERT INTO plan SELECT 'b''%', count(*) FROM plan{refresh}"
    rows = rows_of(table, first, second, name)
    shown = {
        (row.only, *(text for _, text in row.key), *(v.left or v.right for v in row.values))
        for row in rows.rows
    }
    assert shown == {
        ("left", "b'%", "0"), ("left", "a", "1"), ("right", "a", "0"), ("right", "b'%", "1"),
    }  # fmt: skip


def test_rows_of_table_that_is_empty_in_one_order_are_shown(rows_of):
    rows = rows_of(
        "CREATE TABLE plan (key text PRIMARY KEY); CREATE TABLE switch (on_ int)",
        "INSERT INTO switch VALUES (1)",
        "INSERT INTO plan SELECT 'x' FROM switch",
    )
    assert values_of(rows) == [({"key": "x"}, "right", [])]
    assert (rows.only_left, rows.only_right) == (0, 1)


def test_secrets_in_rows_are_masked(rows_of):
    table = (
        "CREATE TABLE plan (id int PRIMARY KEY, key text, value text, password text, dsn text);"
        "INSERT INTO plan VALUES (1, 'smtp_secret', 'old', 'p', 'postgresql://a:b@c'),"
        " (2, 'colour', 'red', 'p', '')"
    )
    rows = rows_of(
        table,
        "UPDATE plan SET value = 'hunter2', password = 'hunter3', dsn = 'postgresql://a:hunt4@c'",
        "UPDATE plan SET value = 'hunter5', password = 'hunter6', dsn = 'postgresql://a:hunt7@c'",
    )
    assert "hunt" not in repr([row for row in rows.rows if dict(row.key)["id"] == "1"])
    first, second = rows.rows
    assert [v.name for v in first.values] == ["value", "password", "dsn"]
    assert {v.left for v in first.values} == {MASKED_VALUE}
    values = {v.name: (v.left, v.right) for v in second.values}
    assert values["value"] == ("hunter2", "hunter5")
    assert values["password"] == (MASKED_VALUE, MASKED_VALUE)
    assert values["dsn"] == (f"postgresql://{MASKED_VALUE}@c",) * 2


def test_value_is_masked_by_name_in_column_that_does_not_differ(rows_of):
    """The name of the secret is in a column that is not shown."""
    rows = rows_of(
        "CREATE TABLE plan (id int PRIMARY KEY, key text, value text);"
        "INSERT INTO plan VALUES (1, 'api_token', '')",
        "UPDATE plan SET value = value || 'aaa'",
        "UPDATE plan SET value = value || 'bbb'",
    )
    assert values_of(rows) == [({"id": "1"}, None, [("value", MASKED_VALUE, MASKED_VALUE)])]


def test_turned_rows_have_other_sides():
    row = RowDifference("left", (("id", "1"),), (AttributeDifference("n", "1", None),))
    both = RowDifference(None, (("id", "2"),), (AttributeDifference("n", "1", "2"),))
    turned = RowDifferences((row, both), 1, 1, 0).turned()
    assert turned.rows[0].only == "right"
    assert turned.rows[0].values == (AttributeDifference("n", None, "1"),)
    assert turned.rows[1].values == (AttributeDifference("n", "2", "1"),)
    assert (turned.only_left, turned.only_right, turned.changed) == (0, 1, 1)
    assert turned.turned() == RowDifferences((row, both), 1, 1, 0)
    assert pickle.loads(pickle.dumps(turned)) == turned  # noqa: S301 - our own value


def test_values_of_every_type_are_shown_without_casts_of_users(rows_of):
    rows = rows_of(
        "CREATE TYPE pair AS (a int, b int); CREATE TYPE mood AS ENUM ('sad', 'ok');"
        "CREATE FUNCTION shout(pair) RETURNS text LANGUAGE sql AS 'SELECT (1 / 0)::text';"
        "CREATE CAST (pair AS text) WITH FUNCTION shout(pair);"
        "CREATE TABLE plan (key int PRIMARY KEY, p pair, e mood, j json, a int[], b bytea,"
        " t timestamptz, d bool, n int);"
        "INSERT INTO plan VALUES (1, '(1,)', 'ok', '{\"a\": 1}', '{1,2}', '\\x00ff',"
        " '2026-01-02 03:04:05+01', true, 1)",
        "UPDATE plan SET n = n + 1 WHERE key = 1; UPDATE plan SET key = key + n",
        "UPDATE plan SET n = n * 2 WHERE key = 1",
    )
    left, right = rows.rows
    assert (left.only, dict(left.key)) == ("left", {"key": "4"})
    assert (right.only, dict(right.key)) == ("right", {"key": "3"})
    assert {v.name: v.left for v in left.values} == {
        "p": "(1,)",
        "e": "ok",
        "j": '{"a": 1}',
        "a": "{1,2}",
        "b": "\\x00ff",
        "t": "2026-01-02 02:04:05+00",
        "d": "t",
        "n": "3",
    }
