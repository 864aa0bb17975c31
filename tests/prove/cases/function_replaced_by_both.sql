-- verdict: different
-- pair: 3 2
-- message: function public.f()
-- order: 1 3 2
-- 1: function
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- 2: two
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
-- 3: three
CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3';
