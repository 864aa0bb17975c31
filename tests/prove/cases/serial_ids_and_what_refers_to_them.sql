-- verdict: same
-- order: 1 3 2
-- not_compared: public.parent.id: generated
-- 1: tables
CREATE TABLE parent (id bigserial PRIMARY KEY, name text);
CREATE TABLE child (parent bigint REFERENCES parent, name text);
CREATE TABLE grandchild (parent bigint REFERENCES parent (id), name text);
-- 2: a
WITH p AS (INSERT INTO parent (name) VALUES ('a') RETURNING id)
INSERT INTO child SELECT id, 'of a' FROM p;
-- 3: b
WITH p AS (INSERT INTO parent (name) VALUES ('b') RETURNING id)
INSERT INTO child SELECT id, 'of b' FROM p;
INSERT INTO grandchild SELECT id, 'of b' FROM parent WHERE name = 'b';
