-- expect: foreign-key-scan
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'order_items_product_fk') THEN
        ALTER TABLE order_items ADD CONSTRAINT order_items_product_fk
            FOREIGN KEY (product_id) REFERENCES products (id);
    END IF;
END
$$;
