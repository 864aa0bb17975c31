-- verdict: fails
-- pair: 3 2
-- message: 003_attribute fails after 002_table
-- order: 1 3 2
-- 1: type
CREATE TYPE pair AS (a int, b int);
-- 2: table
CREATE TABLE t (p pair);
-- 3: attribute
ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint;
