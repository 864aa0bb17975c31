-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.id: generated, with other values in each order
-- 1: table
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, name text);
-- 2: a
INSERT INTO t (name) VALUES ('a'), ('b');
-- 3: c
INSERT INTO t (name) VALUES ('c');
