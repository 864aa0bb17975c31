-- verdict: different
-- pair: 3 2
-- message: rows of table public.log
-- order: 1 3 2
-- 1: log
CREATE TABLE log (tag text);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.log VALUES (tg_tag); END $$;
-- 2: event_trigger
CREATE EVENT TRIGGER note ON ddl_command_end WHEN TAG IN ('CREATE VIEW')
    EXECUTE FUNCTION note();
-- 3: view
CREATE VIEW v AS SELECT 1 AS a;
