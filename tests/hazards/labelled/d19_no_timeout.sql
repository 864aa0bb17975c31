-- expect: no-lock-timeout
SET lock_timeout = 0;
SET statement_timeout = 0;
ALTER TABLE orders ADD COLUMN warehouse integer;
ALTER TABLE orders ALTER COLUMN warehouse SET DEFAULT 1;
