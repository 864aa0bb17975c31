-- verdict: different
-- pair: 3 2
-- message: rows of table public.
-- order: 1 3 2
-- 1: tables
CREATE TABLE box (id serial PRIMARY KEY, kind text);
CREATE TABLE thing (name text, box int REFERENCES box);
INSERT INTO box (kind) VALUES ('small'), ('small');
INSERT INTO thing VALUES ('a', 1), ('b', 2);
-- 2: moved
UPDATE thing SET box = 1 WHERE name = 'b';
INSERT INTO thing VALUES ('c', 2);
-- 3: numbered
INSERT INTO thing SELECT 'd', box FROM thing WHERE name = 'b';
INSERT INTO box (kind) SELECT 'large' FROM thing WHERE name = 'c';
