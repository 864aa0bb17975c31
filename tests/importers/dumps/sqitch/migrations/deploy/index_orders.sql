-- Deploy shop:index_orders to pg

CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
