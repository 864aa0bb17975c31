-- expect: work-under-lock at large, nothing at small
-- Carriers see the customer's country, so it is copied onto the address.
ALTER TABLE addresses ADD COLUMN country char(2);
UPDATE addresses a SET country = c.country FROM customers c WHERE c.id = a.customer_id;
