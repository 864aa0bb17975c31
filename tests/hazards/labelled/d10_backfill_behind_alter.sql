-- expect: work-under-lock
-- Every order gets the channel it came through.
ALTER TABLE orders ADD COLUMN channel text;
UPDATE orders SET channel = CASE WHEN coupon IS NULL THEN 'web' ELSE 'campaign' END;
ALTER TABLE orders ALTER COLUMN channel SET DEFAULT 'web';
