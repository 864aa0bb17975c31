-- verdict: same
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: path
SET search_path = a;
CREATE TABLE t (a int);
-- 3: table
CREATE TABLE u (a int);
