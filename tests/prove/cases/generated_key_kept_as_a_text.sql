-- verdict: different
-- pair: 3 2
-- message: rows of table public.log
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (id serial PRIMARY KEY, name text);
CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log VALUES (NEW.id || ' ' || NEW.name); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
