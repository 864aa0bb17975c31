-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.id: generated
-- 1: table
CREATE SEQUENCE numbers;
CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('numbers') * 10 $$;
CREATE TABLE t (id bigint PRIMARY KEY DEFAULT next_id(), name text);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
