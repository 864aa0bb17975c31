-- verdict: different
-- pair: 3 2
-- order: 1 3 2
-- message: next value of sequence public.s for public.t."id"
-- 1: t
CREATE SEQUENCE s;
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE FUNCTION fill_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := coalesce(NEW.id, nextval('public.s'));
    RETURN NEW;
END $$;
CREATE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fill_id();
-- 2: rows
INSERT INTO t VALUES (1, 'a'), (2, 'b');
-- 3: sync
SELECT setval('s', (SELECT coalesce(max(id), 0) + 1 FROM t), false);
