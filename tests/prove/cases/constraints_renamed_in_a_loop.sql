-- verdict: different
-- pair: 3 2
-- message: public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, CONSTRAINT t_a_chk CHECK (a > 0));
-- 2: rename_all
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT conname FROM pg_constraint
              WHERE conrelid = 't'::regclass AND conname LIKE '%\_chk' LOOP
        EXECUTE format('ALTER TABLE t RENAME CONSTRAINT %I TO %I',
                       c.conname, replace(c.conname, '_chk', '_valid'));
    END LOOP;
END $$;
-- 3: constraint
ALTER TABLE t ADD CONSTRAINT t_small_chk CHECK (a < 100);
