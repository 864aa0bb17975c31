-- before
CREATE DOMAIN amount AS numeric;
CREATE TABLE orders (id bigint PRIMARY KEY, total amount);
-- bad
ALTER DOMAIN amount ADD CONSTRAINT amount_positive CHECK (VALUE >= 0);
-- good
ALTER DOMAIN amount ADD CONSTRAINT amount_positive CHECK (VALUE >= 0) NOT VALID;
