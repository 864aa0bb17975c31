-- expect: nothing
-- Label corrected, it was lock-upgrade: the worst case is a deadlock or the lock timeout, which ends
-- the attempt; the runner tries again. A notice is enough.
-- Only the newest hundred orders have a null total.
UPDATE orders SET total = 0 WHERE id IN (SELECT id FROM orders ORDER BY id DESC LIMIT 100) AND total IS NULL;
ALTER TABLE orders ADD COLUMN currency char(3) DEFAULT 'EUR';
