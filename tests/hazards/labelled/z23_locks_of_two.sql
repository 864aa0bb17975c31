-- expect: several-tables-locked at large, nothing at small
-- Both get the flag; the index is for the report.
ALTER TABLE invoices ADD COLUMN exported boolean;
ALTER TABLE reviews ADD COLUMN exported boolean;
CREATE INDEX reviews_exported_idx ON reviews (exported);
ALTER TABLE payments ADD COLUMN exported boolean;
