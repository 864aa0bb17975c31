-- expect: set-schema
CREATE SCHEMA IF NOT EXISTS billing;
ALTER TABLE payments SET SCHEMA billing;
ALTER TABLE invoices SET SCHEMA billing;
