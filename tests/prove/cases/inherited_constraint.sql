-- verdict: same
-- order: 1 3 2
-- 1: parent
CREATE TABLE parent (a int);
-- 2: child
CREATE TABLE child () INHERITS (parent);
-- 3: constraint
ALTER TABLE parent ADD CONSTRAINT positive CHECK (a > 0);
