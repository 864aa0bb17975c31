-- verdict: same
-- order: 1 3 2
-- 1: parent
CREATE TABLE parent (a int);
-- 2: child
CREATE TABLE child (CHECK (a < 10)) INHERITS (parent);
-- 3: index
CREATE INDEX ON parent (a);
