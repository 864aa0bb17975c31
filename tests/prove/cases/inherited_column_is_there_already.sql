-- verdict: fails
-- pair: 3 2
-- message: already exists
-- order: 1 3 2
-- 1: parent
CREATE TABLE parent (a int);
CREATE TABLE child () INHERITS (parent);
-- 2: column_of_child
ALTER TABLE child ADD COLUMN c int;
-- 3: column_of_parent
ALTER TABLE parent ADD COLUMN c int;
