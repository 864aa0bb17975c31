-- verdict: same
-- since: 14
-- not_compared: public.t.id: generated
-- order: 1 3 2
-- 1: table
CREATE SEQUENCE ids;
CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT nextval('ids') * 10; END;
CREATE TABLE t (id bigint PRIMARY KEY DEFAULT next_id(), name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
