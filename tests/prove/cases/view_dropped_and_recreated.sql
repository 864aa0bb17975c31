-- verdict: different
-- pair: 3 2
-- message: view public.v
-- order: 1 3 2
-- 1: view
CREATE VIEW v AS SELECT 1 AS a;
-- 2: grant
GRANT SELECT ON v TO PUBLIC;
-- 3: recreate
DROP VIEW v;
CREATE VIEW v AS SELECT 1 AS a;
