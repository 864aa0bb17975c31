-- expect: stricter
ALTER TABLE orders ALTER COLUMN status DROP DEFAULT;
