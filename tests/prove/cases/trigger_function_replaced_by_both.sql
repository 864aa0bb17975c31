-- verdict: different
-- pair: 3 2
-- message: function public.touch()
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int, b text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();
-- 2: upper
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.b := upper(NEW.b); RETURN NEW; END $$;
-- 3: lower
CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.b := lower(NEW.b); RETURN NEW; END $$;
