-- verdict: column order only
-- pair: 3 2
-- message: public.child
-- order: 1 3 2
-- 1: parent
CREATE TABLE parent (a int);
-- 2: child
CREATE TABLE child (x int) INHERITS (parent);
-- 3: column
ALTER TABLE parent ADD COLUMN c int;
