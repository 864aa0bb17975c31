-- Up Migration
CREATE INDEX orders_user_id ON orders (user_id);

-- Down Migration
DROP INDEX orders_user_id;
