-- verdict: fails
-- pair: 3 2
-- message: 002_partition fails after 003_row
-- order: 1 3 2
-- 1: parent
CREATE TABLE log (day int) PARTITION BY RANGE (day);
CREATE TABLE log_rest PARTITION OF log DEFAULT;
-- 2: partition
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (2);
-- 3: row
INSERT INTO log VALUES (1);
