"""A write that reads a whole table through an index, as one whose rows a join finds."""

import pytest

from pgbraid.model.hazards.sizes import Sizes
from tests.fixtures.hazards import size_of

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, country text, region text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, region text);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (id, region);
CREATE TABLE picked (order_id bigint PRIMARY KEY, region text);
CREATE TABLE "Odd Name" ("Id" bigint PRIMARY KEY, region text);
"""
SIZES = Sizes(
    {
        "public.customers": size_of(5_000_000),
        "public.orders": size_of(50_000_000),
        "public.picked": size_of(200),
        "public.Odd Name": size_of(30_000_000),
    },
    "test",
)
WHOLE = {
    "by an index that is not unique": (
        "UPDATE orders o SET region = c.region FROM customers c WHERE c.id = o.customer_id"
    ),
    "by the primary key, from a large table": (
        "UPDATE customers c SET region = o.region FROM orders o WHERE o.customer_id = c.id"
    ),
    "USING": "DELETE FROM orders USING customers c WHERE c.id = orders.customer_id",
    "IN": "DELETE FROM orders WHERE customer_id IN (SELECT id FROM customers)",
    "a CTE": (
        "WITH c AS (SELECT id, region FROM customers) "
        "UPDATE orders SET region = c.region FROM c WHERE c.id = orders.customer_id"
    ),
    "a condition without the first column of the index": (
        "UPDATE orders SET region = 'x' WHERE region IS NULL"
    ),
    "a new table that an old one filled": (
        "CREATE TABLE found AS SELECT id, 'x' AS region FROM orders;"
        "UPDATE orders SET region = f.region FROM found f WHERE f.id = orders.id"
    ),
    "names in quotes": (
        'UPDATE "Odd Name" SET region = o.region FROM orders o WHERE o.id = "Odd Name"."Id"'
    ),
}
BOUNDED = {
    "one row": "UPDATE orders SET region = 'north' WHERE id = 1",
    "a range": "DELETE FROM orders WHERE id BETWEEN 1 AND 1000",
    "the first column of the index": "DELETE FROM orders WHERE customer_id IS NULL",
    "several indexes": "DELETE FROM orders WHERE customer_id = 7 OR id = 9",
    "a new table with few rows": (
        "CREATE TABLE fixed (customer_id bigint, region text);"
        "INSERT INTO fixed VALUES (1, 'north');"
        "UPDATE orders SET region = f.region FROM fixed f WHERE f.customer_id = orders.customer_id"
    ),
    "a limit": (
        "UPDATE orders SET region = 'x' WHERE id IN (SELECT id FROM orders ORDER BY id LIMIT 500)"
    ),
    "values": (
        "UPDATE orders SET region = v.r FROM (VALUES (1, 'a'), (2, 'b')) v (id, r) "
        "WHERE v.id = orders.id"
    ),
    "the primary key, from a small table": (
        "UPDATE orders SET region = p.region FROM picked p WHERE p.order_id = orders.id"
    ),
    "the primary key, IN a small table": (
        "DELETE FROM orders WHERE id IN (SELECT order_id FROM picked)"
    ),
}


@pytest.mark.parametrize("statement", WHOLE.values(), ids=WHOLE)
def test_a_join_with_a_large_table_is_a_large_write(statement, hazard_bench):
    assert "large-write" in hazard_bench.rules(SCHEMA, statement, above="warning", sizes=SIZES)


@pytest.mark.parametrize("statement", BOUNDED.values(), ids=BOUNDED)
def test_a_write_of_few_rows_is_none(statement, hazard_bench):
    assert hazard_bench.rules(SCHEMA, statement, above="warning", sizes=SIZES) == set()


def test_a_column_that_no_row_can_have_is_no_work_under_the_lock(hazard_bench):
    statements = """
        ALTER TABLE customers ADD COLUMN note text;
        ALTER TABLE orders ADD COLUMN code text NOT NULL;
    """
    assert hazard_bench.rules(SCHEMA, statements, sizes=SIZES) == {"required-column"}


def test_rows_that_a_join_reads_are_work_under_the_lock(hazard_bench):
    statements = """
        ALTER TABLE picked ADD COLUMN note text;
        INSERT INTO picked (order_id, region)
            SELECT o.id, c.region FROM orders o JOIN customers c ON c.id = o.customer_id;
    """
    assert "work-under-lock" in hazard_bench.rules(SCHEMA, statements, sizes=SIZES)
