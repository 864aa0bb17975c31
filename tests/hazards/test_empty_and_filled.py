"""The rules find on empty tables what they find on filled ones.

PGBRAID_TEST_HAZARD_ROWS is the number of rows of each table; a release is tried with 200,000.
"""

import os

from pgbraid.hazards.analysis.context import JudgedSet
from pgbraid.hazards.judgement import judge
from tests.fixtures.hazard_traps import ROWS, SCHEMA, TRAPS
from tests.fixtures.hazards import every_table

COUNT = os.environ.get("PGBRAID_TEST_HAZARD_ROWS", "2000")
MORE = """
ALTER TABLE orders ADD COLUMN x int DEFAULT 3 NOT NULL
ALTER TABLE orders ADD COLUMN x timestamptz DEFAULT now()
ALTER TABLE orders ADD COLUMN x uuid DEFAULT gen_random_uuid()
ALTER TABLE orders ADD COLUMN x bigserial
ALTER TABLE orders ADD COLUMN x bigint GENERATED ALWAYS AS IDENTITY
ALTER TABLE orders ADD COLUMN x numeric GENERATED ALWAYS AS (id * 2) STORED
ALTER TABLE orders ALTER COLUMN state TYPE varchar(10)
ALTER TABLE orders ALTER COLUMN customer TYPE numeric
ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x'
ALTER TABLE orders ALTER COLUMN customer SET NOT NULL
ALTER TABLE orders ADD CHECK (id > 0)
ALTER TABLE orders ADD CHECK (id > 0) NOT VALID
ALTER TABLE orders ADD UNIQUE (customer)
ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers
ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers NOT VALID
ALTER TABLE orders DROP CONSTRAINT orders_pkey
ALTER TABLE orders DROP COLUMN state
ALTER TABLE orders RENAME TO sales
ALTER TABLE orders RENAME COLUMN state TO status
ALTER TABLE orders ENABLE ROW LEVEL SECURITY
ALTER TABLE orders REPLICA IDENTITY FULL
ALTER TABLE orders SET UNLOGGED
ALTER TABLE orders SET (fillfactor = 80)
ALTER TABLE orders SET (autovacuum_enabled = false)
ALTER TABLE spans ADD EXCLUDE USING gist (r WITH &&)
ALTER TABLE plain ADD PRIMARY KEY (a)
ALTER TABLE events ADD PRIMARY KEY (id, day)
ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES customers
ALTER TABLE events DETACH PARTITION events_2024
ALTER TABLE dom ALTER COLUMN p TYPE bigint
ALTER TABLE base ALTER COLUMN id TYPE text
CREATE INDEX ON orders (note)
CREATE INDEX ON mv (n)
CREATE UNIQUE INDEX ON orders (customer)
CREATE STATISTICS s ON note, state FROM orders
CREATE VIEW some_orders AS SELECT id FROM orders
CREATE MATERIALIZED VIEW more AS SELECT id FROM orders
CREATE TABLE lines (id int, order_id bigint REFERENCES orders)
DROP INDEX orders_state
DROP TABLE plain
REINDEX TABLE orders
ANALYZE orders
UPDATE orders SET note = 'x'
UPDATE orders SET note = 'x' WHERE note = 'y'
UPDATE orders SET note = 'x' WHERE id IN (1, 2, 3)
UPDATE orders SET note = 'x' WHERE customer IN (SELECT id FROM customers)
DELETE FROM chi WHERE id = 1
DELETE FROM chi WHERE par = 1
DELETE FROM plain
DELETE FROM orders USING customers c WHERE c.id = orders.customer
INSERT INTO plain SELECT id, note FROM orders
SELECT touch()
SELECT touch2()
CALL work2()
SELECT count(*) FROM orders
""".strip().splitlines()
DIFFERENT = {
    "do conditional ddl": "the condition is false on an empty table; reported as not exercised",
    "do per row loop": "the loop has no row on an empty table; reported as not exercised",
    "delete cascade fk": "ON DELETE CASCADE reads the other table for a deleted row alone",
}
"""Statements whose rules differ, each with the reason."""


def statements(version):
    """Return the statements by name: the traps of one transaction, and further ones."""
    traps = {
        trap.name: trap.texts[0]
        for trap in TRAPS
        if len(trap.texts) == 1
        and "no-transaction" not in trap.texts[0]
        and trap.zone == "UTC"
        and trap.since <= version
        and "fails" not in trap.finds
    }
    return traps | {line: f"{line};" for line in MORE}


def rules(bench, schema, texts):
    """Return the set of rules of each text; the transactions are rolled back."""
    sizes, answers = every_table(50_000_000), []
    for seen, done in bench.while_open(schema, texts, lambda _conn: True):
        if not done:
            answers.append({"fails"})
            continue
        judgement = judge(JudgedSet((seen,), sizes))
        shown = (f for f in judgement.findings if f.severity.value != "none")
        answers.append({f.rule for f in shown} - {"fails"})
    return answers


def test_rules_are_the_same_on_empty_and_on_filled_tables(hazard_bench):
    texts = statements(hazard_bench.version)
    empty = rules(hazard_bench, SCHEMA, texts.values())
    filled = rules(hazard_bench, SCHEMA + ROWS.replace(":rows", COUNT), texts.values())
    different = {
        name: (one, other)
        for name, one, other in zip(texts, empty, filled, strict=True)
        if one != other
    }
    assert len(texts) >= 120
    assert different.keys() == DIFFERENT.keys(), different
