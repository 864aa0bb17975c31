-- before
CREATE TABLE orders (id bigint CONSTRAINT orders_pk PRIMARY KEY, day date);
-- bad
ALTER TABLE orders DROP CONSTRAINT orders_pk;
-- good
ALTER TABLE orders REPLICA IDENTITY FULL;
ALTER TABLE orders DROP CONSTRAINT orders_pk;
