---- tern: disable-tx ----
CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);

---- create above / drop below ----

---- tern: disable-tx ----
DROP INDEX CONCURRENTLY orders_user_id;
