-- expect: cascade, drop-column
-- The payment kind is derived from the reference.
DROP TYPE IF EXISTS payment_kind CASCADE;
