-- before
CREATE TABLE customers (id bigint PRIMARY KEY);
-- bad
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
-- good
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers (id));
CREATE INDEX orders_customer_id ON orders (customer_id);
