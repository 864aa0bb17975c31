--! Previous: sha1:943be3c1d32c91ac4e8db59ce181fa9ef53334b3
--! Hash: sha1:dc85ba53df3caa50b9c8350220ec87b627ee71f0
--! Message: create orders

-- each order belongs to a user; the user must exist
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    note text NOT NULL DEFAULT 'none -- yet'
);
/* an order's amount; it's in cents */
ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0;
