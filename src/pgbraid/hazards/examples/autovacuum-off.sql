-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
-- bad
ALTER TABLE orders SET (autovacuum_enabled = false);
-- good
ALTER TABLE orders SET (autovacuum_enabled = false);
ALTER TABLE orders RESET (autovacuum_enabled);
