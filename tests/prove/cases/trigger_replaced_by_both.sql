-- verdict: different
-- pair: 3 2
-- message: trigger touch on public.t
-- since: 14
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- 2: on_insert
CREATE OR REPLACE TRIGGER touch BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
-- 3: on_update
CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
