-- expect: large-write at large, nothing at small
CREATE FUNCTION pg_temp.fix_titles() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    changed integer;
BEGIN
    UPDATE products SET title = btrim(title) WHERE title <> btrim(title);
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
SELECT pg_temp.fix_titles();
