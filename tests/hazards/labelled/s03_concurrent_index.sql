-- expect: nothing
-- pgbraid: no-transaction
-- 110 M rows: build it beside the traffic
CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_paid_at_idx ON payments (paid_at);
