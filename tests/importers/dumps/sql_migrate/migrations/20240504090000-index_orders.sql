-- +migrate Up notransaction
CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);

-- +migrate Down notransaction
DROP INDEX CONCURRENTLY orders_user_id;
