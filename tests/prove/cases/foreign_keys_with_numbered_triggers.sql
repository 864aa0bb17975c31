-- verdict: same
-- order: 1 3 2
-- 1: tables
CREATE TABLE one (id int PRIMARY KEY);
CREATE TABLE two (id int PRIMARY KEY);
CREATE TABLE child (a int, b int, t text);
-- 2: one
ALTER TABLE child ADD CONSTRAINT to_one FOREIGN KEY (a) REFERENCES one ON DELETE SET NULL;
-- 3: two
ALTER TABLE child ADD CONSTRAINT to_two FOREIGN KEY (b) REFERENCES two ON UPDATE CASCADE;
