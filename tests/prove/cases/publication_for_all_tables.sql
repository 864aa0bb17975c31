-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: publication
CREATE PUBLICATION p FOR ALL TABLES;
-- 3: table
CREATE TABLE u (a int);
