-- verdict: same
-- order: 1 3 2
-- 1: server
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
-- 2: host
ALTER SERVER s OPTIONS (ADD host 'a');
-- 3: port
ALTER SERVER s OPTIONS (ADD port '1');
