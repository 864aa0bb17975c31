-- index orders
-- depends: 0003.order-total
-- transactional: false

CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
