-- verdict: different
-- pair: 3 2
-- message: function app.f()
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA app;
-- 2: revoke
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
-- 3: function
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
