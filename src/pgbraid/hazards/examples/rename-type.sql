-- before
CREATE TYPE state AS ENUM ('new', 'open');
CREATE TABLE orders (id bigint PRIMARY KEY, state state);
-- bad
ALTER TYPE state RENAME TO order_state;
-- good
CREATE TYPE refund_state AS ENUM ('new');
ALTER TYPE refund_state RENAME TO refund_status;
