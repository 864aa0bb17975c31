-- verdict: different
-- pair: 3 2
-- message: extension hstore
-- needs: hstore
-- order: 1 3 2
-- 1: schemas
CREATE SCHEMA a;
CREATE SCHEMA b;
-- 2: in_a
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA a;
-- 3: in_b
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA b;
