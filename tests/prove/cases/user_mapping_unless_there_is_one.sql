-- verdict: different
-- pair: 3 2
-- message: user mapping
-- order: 1 3 2
-- 1: server
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
-- 2: a
CREATE USER MAPPING IF NOT EXISTS FOR PUBLIC SERVER s OPTIONS (password 'a');
-- 3: b
CREATE USER MAPPING IF NOT EXISTS FOR PUBLIC SERVER s OPTIONS (password 'b');
