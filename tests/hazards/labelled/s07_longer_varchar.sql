-- expect: nothing
ALTER TABLE customers ALTER COLUMN full_name TYPE varchar(200);
ALTER TABLE orders ALTER COLUMN coupon TYPE text;
ALTER TABLE addresses ALTER COLUMN zip SET DATA TYPE character varying(32);
