-- verdict: different
-- pair: 3 2
-- message: public.u
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: schema
CREATE SCHEMA AUTHORIZATION CURRENT_USER;
-- 3: table
CREATE TABLE u (a int);
