-- verdict: fails
-- pair: 3 2
-- message: extension citext
-- needs: citext
-- order: 1 3 2 4
-- 1: schemas
CREATE SCHEMA a;
CREATE SCHEMA b;
-- 2: in_a
CREATE EXTENSION IF NOT EXISTS citext SCHEMA a;
-- 3: in_b
CREATE EXTENSION IF NOT EXISTS citext SCHEMA b;
-- 4: column
CREATE TABLE t (name a.citext);
