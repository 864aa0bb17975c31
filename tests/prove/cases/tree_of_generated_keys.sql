-- verdict: same
-- order: 1 3 2 4
-- not_compared: public.node.id: generated
-- 1: table
CREATE TABLE node (id serial PRIMARY KEY, name text, parent int REFERENCES node);
-- 2: left
WITH p AS (INSERT INTO node (name) VALUES ('left') RETURNING id)
INSERT INTO node (name, parent) SELECT 'leaf', id FROM p;
-- 3: right
WITH p AS (INSERT INTO node (name) VALUES ('right') RETURNING id)
INSERT INTO node (name, parent) SELECT 'leaf', id FROM p;
-- 4: below
INSERT INTO node (name, parent) SELECT 'twig', id FROM node WHERE name = 'leaf';
