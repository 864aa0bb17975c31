-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.picture: 2 values differ
-- 1: table
CREATE TABLE t (picture oid, name text);
-- 2: one
INSERT INTO t SELECT lo_from_bytea(0, 'one'), 'one';
-- 3: two
INSERT INTO t SELECT lo_from_bytea(0, 'two'), 'two';
