-- verdict: different
-- pair: 3 2
-- message: trigger added on public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- 2: disable
ALTER TABLE t DISABLE TRIGGER ALL;
-- 3: trigger
CREATE TRIGGER added BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
