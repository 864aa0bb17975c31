-- verdict: different
-- pair: 3 2
-- message: child_parent_fkey
-- order: 1 3 2
-- 1: tables
CREATE TABLE one (id int PRIMARY KEY);
CREATE TABLE two (id int PRIMARY KEY);
CREATE TABLE child (parent int);
-- 2: one
ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES one;
-- 3: two
ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES two;
