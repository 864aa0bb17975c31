-- add email
-- depends: 0004.index-orders

ALTER TABLE users ADD COLUMN email text;
