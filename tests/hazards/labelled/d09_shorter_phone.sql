-- expect: type-narrowed
ALTER TABLE customers
    ALTER COLUMN phone TYPE varchar(12),
    ALTER COLUMN phone SET DEFAULT '';
