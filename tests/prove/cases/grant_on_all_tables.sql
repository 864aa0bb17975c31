-- verdict: different
-- pair: 3 2
-- message: table app.u
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA app;
CREATE TABLE app.t (a int);
-- 2: grant
GRANT SELECT ON ALL TABLES IN SCHEMA app TO PUBLIC;
-- 3: table
CREATE TABLE app.u (a int);
