-- verdict: fails
-- pair: 3 2
-- message: 002_attach fails after 003_column
-- order: 1 3 2
-- 1: parent
CREATE TABLE log (day int) PARTITION BY RANGE (day);
CREATE TABLE log_1 (day int);
-- 2: attach
ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM (1) TO (2);
-- 3: column
ALTER TABLE log ADD COLUMN note text;
