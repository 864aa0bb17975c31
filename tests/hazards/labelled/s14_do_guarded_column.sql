-- expect: nothing
DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM information_schema.columns WHERE table_name = 'products' AND column_name = 'weight_g'
    ) THEN
        ALTER TABLE products ADD COLUMN weight_g integer;
    END IF;
EXCEPTION WHEN duplicate_column THEN NULL;
END $$;
