-- verdict: not replayed
-- order: 1 3 2
-- 1: table
CREATE TABLE t (id int);
-- 2: move
UPDATE pre.x SET id = id + 100;
-- 3: copy
INSERT INTO t SELECT id FROM pre.x;
