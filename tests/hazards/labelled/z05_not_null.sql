-- expect: constraint-scan at large, nothing at small
-- change_column_null
ALTER TABLE "orders" ALTER COLUMN "total" SET NOT NULL;
