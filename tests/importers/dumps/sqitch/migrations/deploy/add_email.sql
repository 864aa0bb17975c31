-- Deploy shop:add_email to pg

BEGIN;

ALTER TABLE users ADD COLUMN email text;

COMMIT;
