-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
-- bad
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total >= 0);
-- good
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total >= 0) NOT VALID;
-- instead
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total >= 0) NOT VALID;
-- instead
ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
