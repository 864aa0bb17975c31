-- expect: nothing
ALTER TABLE orders ALTER COLUMN placed_at SET DEFAULT now();
ALTER TABLE orders ALTER COLUMN customer_id SET STATISTICS 500;
COMMENT ON COLUMN orders.placed_at IS $$DROP TABLE orders; -- only a text$$;
