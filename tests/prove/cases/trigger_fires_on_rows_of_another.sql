-- verdict: different
-- pair: 3 2
-- message: rows of table public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.a := upper(NEW.a); RETURN NEW; END $$;
-- 2: trigger
CREATE TRIGGER shout BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout();
-- 3: rows
INSERT INTO t VALUES ('a');
