-- verdict: fails
-- pair: 3 2
-- message: 003_view fails after 002_rename
-- order: 1 3 2
-- 1: tables
CREATE TABLE t (a int);
CREATE TABLE u (a int);
-- 2: rename
ALTER TABLE u RENAME TO w;
-- 3: view
CREATE VIEW w AS SELECT a FROM t;
ALTER VIEW w RENAME TO x;
