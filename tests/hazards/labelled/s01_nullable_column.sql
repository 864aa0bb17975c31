-- expect: nothing
-- +migrate Up
ALTER TABLE orders ADD COLUMN delivered_at timestamptz;
COMMENT ON COLUMN orders.delivered_at IS 'as told by the carrier';
