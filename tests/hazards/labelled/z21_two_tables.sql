-- expect: large-write at large, nothing at small
-- Label corrected, it was several-tables-locked: the lock of an UPDATE lets others read and write.
-- A column for both, and their data at once
UPDATE invoices SET body = '' WHERE body IS NULL;
UPDATE payments SET reference = '' WHERE reference IS NULL;
ALTER TABLE payments ALTER COLUMN reference SET DEFAULT '';
