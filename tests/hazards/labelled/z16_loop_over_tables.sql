-- expect: index-build at large, nothing at small
DO $do$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payments', 'reviews', 'products'] LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON %I (id) WHERE id %% 2 = 0', t || '_even_idx', t);
    END LOOP;
END
$do$;
