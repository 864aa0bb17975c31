-- verdict: same
-- order: 1 3 2
-- not_compared: rule "_RETURN" on public.v: a part of its definition
-- 1: table
CREATE TABLE t (a int, at timestamp);
-- 2: view
CREATE VIEW v AS SELECT a FROM t WHERE at > 'now'::timestamp AND a > 1;
-- 3: other
CREATE TABLE u (a int);
