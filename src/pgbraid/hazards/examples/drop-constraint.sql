-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, CONSTRAINT positive CHECK (total >= 0));
-- bad
ALTER TABLE orders DROP CONSTRAINT positive;
-- good
ALTER TABLE orders ADD CONSTRAINT small CHECK (total < 1000) NOT VALID;
