-- expect: constraint-index-build at large, nothing at small
ALTER TABLE invoices
  ADD CONSTRAINT uq_invoices_number UNIQUE (number);
