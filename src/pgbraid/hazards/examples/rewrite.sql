-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();
-- good
ALTER TABLE orders ADD COLUMN state text NOT NULL DEFAULT 'new';
-- instead
ALTER TABLE orders ADD COLUMN token uuid;
ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();
-- instead
-- In batches, by ranges of the primary key.
UPDATE orders SET token = DEFAULT WHERE id BETWEEN 1 AND 5000 AND token IS NULL;
