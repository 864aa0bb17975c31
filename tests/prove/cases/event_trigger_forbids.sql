-- verdict: fails
-- pair: 3 2
-- message: no views here
-- order: 1 3 2
-- 1: function
CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no views here'; END $$;
-- 2: event_trigger
CREATE EVENT TRIGGER forbid ON ddl_command_start WHEN TAG IN ('CREATE VIEW')
    EXECUTE FUNCTION forbid();
-- 3: view
CREATE VIEW v AS SELECT 1 AS a;
