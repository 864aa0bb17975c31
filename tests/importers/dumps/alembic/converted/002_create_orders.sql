-- each order belongs to a user; the user must exist
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    note text NOT NULL DEFAULT 'none -- yet'
);
/* an order's amount; it's in cents */
ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0;
