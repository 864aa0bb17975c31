-- verdict: same
-- order: 1 3 2
-- not_compared: public.t.at: 1 value differs
-- 1: table
CREATE TABLE t (name text, at timestamptz DEFAULT now(), day date DEFAULT CURRENT_DATE);
-- 2: a
INSERT INTO t (name) VALUES ('a');
-- 3: b
INSERT INTO t (name) VALUES ('b');
