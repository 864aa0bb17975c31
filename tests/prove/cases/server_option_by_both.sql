-- verdict: different
-- pair: 3 2
-- message: server s
-- order: 1 3 2
-- 1: server
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'x');
-- 2: a
ALTER SERVER s OPTIONS (SET host 'a');
-- 3: b
ALTER SERVER s OPTIONS (SET host 'b');
