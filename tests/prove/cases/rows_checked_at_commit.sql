-- verdict: fails
-- pair: 3 2
-- message: 003_child fails unless 002_parent has run
-- order: 1 3 2
-- 1: tables
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
-- 2: parent
INSERT INTO parent VALUES (1);
-- 3: child
INSERT INTO child VALUES (1);
