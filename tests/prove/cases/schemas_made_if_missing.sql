-- verdict: same
-- order: 1 3 2
-- 1: schema
CREATE SCHEMA a;
-- 2: b
CREATE SCHEMA IF NOT EXISTS b;
CREATE TABLE b.t (x int);
-- 3: b_and_c
CREATE SCHEMA IF NOT EXISTS c;
CREATE SCHEMA IF NOT EXISTS b;
CREATE TABLE c.t (x int);
