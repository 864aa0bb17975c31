"""What the observed locks say is blocked, a second session finds blocked, and nothing else."""

import psycopg

from pgbraid.hazards.analysis.context import JudgedSet, blocks_of
from pgbraid.model.findings import Blocks

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer bigint, state varchar(20), note text, span int4range
);
CREATE INDEX orders_state ON orders (state);
CREATE TABLE unrelated (id bigint PRIMARY KEY, note text);
CREATE TABLE events (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_2025 (id bigint, day date NOT NULL);
CREATE INDEX events_id ON events (id);
CREATE MATERIALIZED VIEW totals AS SELECT customer AS id, count(*) AS n FROM orders GROUP BY 1;
CREATE UNIQUE INDEX totals_id ON totals (id);
CREATE DOMAIN positive AS int;
CREATE TABLE amounts (id bigint PRIMARY KEY, amount positive);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION fill() RETURNS void LANGUAGE sql AS 'UPDATE public.orders SET note = NULL';
CREATE SEQUENCE numbers;
"""
RELATIONS = {
    "customers": "r",
    "orders": "r",
    "unrelated": "r",
    "events": "p",
    "events_2024": "r",
    "events_2025": "r",
    "amounts": "r",
    "totals": "m",
}
STATEMENTS = """
ALTER TABLE orders ADD COLUMN x int
ALTER TABLE orders ADD COLUMN x uuid DEFAULT gen_random_uuid()
ALTER TABLE orders ALTER COLUMN id TYPE numeric
ALTER TABLE orders ALTER COLUMN state TYPE varchar(99)
ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x'
ALTER TABLE orders ALTER COLUMN customer SET NOT NULL
ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500
ALTER TABLE orders SET (fillfactor = 80)
ALTER TABLE orders SET (autovacuum_enabled = false)
ALTER TABLE orders ADD CHECK (id > 0)
ALTER TABLE orders ADD CHECK (id > 0) NOT VALID
ALTER TABLE orders ADD UNIQUE (customer)
ALTER TABLE orders ADD EXCLUDE USING gist (span WITH &&)
ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers
ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers NOT VALID
ALTER TABLE orders DROP CONSTRAINT orders_pkey
ALTER TABLE orders DROP COLUMN span
ALTER TABLE orders RENAME TO sales
ALTER TABLE orders RENAME COLUMN note TO remark
ALTER TABLE orders ENABLE ROW LEVEL SECURITY
ALTER TABLE orders REPLICA IDENTITY FULL
ALTER TABLE orders CLUSTER ON orders_pkey
ALTER TABLE orders SET UNLOGGED
ALTER TABLE orders DISABLE TRIGGER USER
CREATE INDEX ON orders (note)
CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION nothing()
CREATE TABLE lines (id int, order_id bigint REFERENCES orders)
CREATE STATISTICS s ON note, state FROM orders
CREATE VIEW some_orders AS SELECT id FROM orders
CREATE POLICY p ON orders USING (true)
CREATE RULE r AS ON DELETE TO orders DO ALSO NOTHING
CREATE MATERIALIZED VIEW more AS SELECT id FROM orders
COMMENT ON TABLE orders IS 'x'
GRANT SELECT ON orders TO PUBLIC
CLUSTER orders USING orders_pkey
ANALYZE orders
DROP INDEX orders_state
ALTER INDEX orders_state RENAME TO orders_by_state
ALTER INDEX orders_state SET (fillfactor = 70)
REINDEX INDEX orders_state
REINDEX TABLE orders
TRUNCATE orders
DROP TABLE unrelated
UPDATE orders SET note = 'x'
DELETE FROM orders WHERE id = 1
INSERT INTO unrelated SELECT id, note FROM orders
SELECT fill()
SELECT id FROM orders FOR UPDATE
DO $$BEGIN ALTER TABLE orders ADD COLUMN y int; UPDATE customers SET name = 'x'; END$$
LOCK TABLE customers IN SHARE MODE
LOCK TABLE customers IN EXCLUSIVE MODE
REFRESH MATERIALIZED VIEW totals
REFRESH MATERIALIZED VIEW CONCURRENTLY totals
CREATE INDEX ON totals (n)
ALTER DOMAIN positive ADD CHECK (VALUE > 0)
CREATE INDEX ON events (day)
ALTER TABLE events ADD COLUMN kind text
ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
ALTER TABLE events DETACH PARTITION events_2024
CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')
TRUNCATE events_2024
DROP TABLE events_2024
DROP INDEX events_id
ALTER TABLE events_2024 ADD CHECK (id > 0)
ALTER SEQUENCE numbers RESTART 5
""".strip().splitlines()


def waits(conn, query):
    """Return whether a statement must wait for a lock of another session."""
    try:
        conn.execute(query)
    except psycopg.errors.LockNotAvailable:
        return True
    return False


def blocked_relations(conn):
    """Return what the second session cannot do with each relation."""
    conn.execute("SET lock_timeout = '5ms'")
    blocked = {}
    for name, kind in RELATIONS.items():
        if waits(conn, f"SELECT id FROM public.{name} WHERE id = -1"):
            blocked[name] = Blocks.READS_AND_WRITES
        elif kind != "m" and waits(conn, f"UPDATE public.{name} SET id = id WHERE id = -1"):
            blocked[name] = Blocks.WRITES
    return blocked


def blocked_by_locks(seen):
    """Return what the observation says: a lock on a partition keeps queries of its parent out."""
    (context,) = JudgedSet((seen,)).contexts()
    modes = {}
    for oid, mode in context.steps[-1].locks.items():
        for place in {oid, context.root(oid)}:
            modes[place] = max(mode, modes.get(place, mode))
    relations = seen.before.relations
    blocked = {}
    for oid, mode in modes.items():
        relation, blocks = relations[oid], blocks_of(mode)
        only_writes = relation.kind == "m" and blocks is Blocks.WRITES
        if blocks and relation.name in RELATIONS and not only_writes:
            blocked[relation.name] = blocks
    return blocked


def test_second_session_is_blocked_where_the_locks_say_so_and_nowhere_else(hazard_bench):
    answers = hazard_bench.while_open(SCHEMA, [f"{s};" for s in STATEMENTS], blocked_relations)
    mismatches = {
        statement: (blocked_by_locks(seen), blocked)
        for statement, (seen, blocked) in zip(STATEMENTS, answers, strict=True)
        if blocked_by_locks(seen) != blocked
    }
    assert mismatches == {}
    blocking = [blocked for _, blocked in answers if blocked]
    assert len(blocking) > len(STATEMENTS) / 2
    assert {b for blocked in blocking for b in blocked.values()} == set(Blocks)
