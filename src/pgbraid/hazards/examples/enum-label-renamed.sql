-- before
CREATE TYPE state AS ENUM ('new', 'open');
CREATE TABLE orders (id bigint PRIMARY KEY, state state);
-- bad
ALTER TYPE state RENAME VALUE 'new' TO 'created';
-- good
ALTER TYPE state ADD VALUE 'created';
