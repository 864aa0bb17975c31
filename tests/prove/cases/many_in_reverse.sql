-- verdict: same
-- order: 1 5 4 3 2
-- not_compared: app.a.at: 1 value differs
-- 1: schema
CREATE SCHEMA app;
-- 2: table
CREATE TABLE app.a (id serial PRIMARY KEY, at timestamptz DEFAULT now());
INSERT INTO app.a DEFAULT VALUES;
-- 3: enum
CREATE TYPE app.mood AS ENUM ('good', 'bad');
-- 4: function
CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION app.f() IS 'one';
-- 5: table
CREATE TABLE app.b (id serial PRIMARY KEY, a text[] DEFAULT '{}');
GRANT SELECT ON app.b TO PUBLIC;
