-- verdict: different
-- pair: 3 2
-- message: rows of table public.node
-- order: 1 3 2 4
-- 1: table
CREATE TABLE node (id serial PRIMARY KEY, name text, parent int REFERENCES node);
-- 2: left
INSERT INTO node (name) VALUES ('left');
-- 3: right
INSERT INTO node (name) VALUES ('right');
-- 4: below
INSERT INTO node (name, parent) VALUES ('leaf', 1);
