-- verdict: same
-- order: 1 3 2
-- not_compared: public.t: its rows differ between two replays of one order
-- 1: table
CREATE TABLE t (id int, winner boolean DEFAULT false);
INSERT INTO t SELECT generate_series(1, 500);
-- 2: other
CREATE TABLE u (id int);
-- 3: draw
UPDATE t SET winner = true WHERE id IN (SELECT id FROM t ORDER BY random() LIMIT 250);
