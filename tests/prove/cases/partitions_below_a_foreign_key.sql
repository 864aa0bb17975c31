-- verdict: same
-- order: 1 3 2
-- 1: parent
CREATE TABLE place (id int PRIMARY KEY);
CREATE TABLE log (day int, place int REFERENCES place) PARTITION BY RANGE (day);
-- 2: one
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (2);
-- 3: two
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (2) TO (3);
