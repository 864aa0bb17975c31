-- before
CREATE TABLE orders (id bigint PRIMARY KEY, state text);
-- bad
UPDATE orders SET state = 'open' WHERE state = 'new';
-- good
UPDATE orders SET state = 'open' WHERE id = 17;
-- instead
-- In batches, by ranges of the primary key.
UPDATE orders SET state = 'open' WHERE id BETWEEN 1 AND 5000 AND state = 'new';
UPDATE orders SET state = 'open' WHERE id BETWEEN 5001 AND 10000 AND state = 'new';
