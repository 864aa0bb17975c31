-- expect: nothing
-- pgbraid: no-transaction
-- PayPal sends references twice
CREATE UNIQUE INDEX CONCURRENTLY invoices_number_uq ON invoices (number);
ALTER TABLE invoices ADD CONSTRAINT invoices_number_uq UNIQUE USING INDEX invoices_number_uq;
