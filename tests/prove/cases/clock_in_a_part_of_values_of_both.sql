-- verdict: same
-- order: 1 3 2
-- not_compared: public.audit.what: a part of 3 values differ
-- 1: tables
CREATE TABLE person (name text);
CREATE TABLE audit (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit VALUES ('new ' || NEW.name || ' at ' || clock_timestamp() || ' by ' || gen_random_uuid()); RETURN NEW; END $$;
CREATE TRIGGER note AFTER INSERT ON person FOR EACH ROW EXECUTE FUNCTION note();
-- 2: ann
INSERT INTO person VALUES ('ann'), ('bob');
-- 3: eve
INSERT INTO person VALUES ('eve');
