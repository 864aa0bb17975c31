-- expect: drop-table, cascade
-- Reviews are bought from a provider from now on.
ALTER TABLE reviews DROP CONSTRAINT IF EXISTS reviews_product_id_fkey;
DROP TABLE reviews CASCADE;
