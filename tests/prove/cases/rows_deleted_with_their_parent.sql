-- verdict: fails
-- pair: 3 2
-- message: violates foreign key constraint
-- order: 1 3 2
-- 1: tables
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent ON DELETE CASCADE);
INSERT INTO parent VALUES (1), (2);
-- 2: delete
DELETE FROM parent WHERE id = 2;
-- 3: child
INSERT INTO child VALUES (2);
