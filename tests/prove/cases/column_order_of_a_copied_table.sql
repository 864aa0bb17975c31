-- verdict: column order only
-- pair: 3 2
-- message: table public.t
-- order: 1 3 2 4
-- 1: table
CREATE TABLE t (a int);
-- 2: b
ALTER TABLE t ADD COLUMN b int DEFAULT 1;
-- 3: c
ALTER TABLE t ADD COLUMN c int NOT NULL;
-- 4: like
CREATE TABLE u (LIKE t INCLUDING ALL);
