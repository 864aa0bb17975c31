-- verdict: fails
-- pair: 3 2
-- message: server "s" does not exist
-- order: 1 3 2
-- 1: wrapper
CREATE FOREIGN DATA WRAPPER w;
-- 2: server
CREATE SERVER s FOREIGN DATA WRAPPER w;
-- 3: table
CREATE FOREIGN TABLE f (a int) SERVER s OPTIONS (name 'a');
