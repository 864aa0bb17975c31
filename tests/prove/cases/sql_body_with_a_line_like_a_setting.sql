-- verdict: different
-- pair: 3 2
-- message: function public.f()
-- since: 14
-- order: 1 3 2
-- 1: nothing
SELECT 1;
-- 2: z
CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql SET work_mem = '1MB' BEGIN ATOMIC
SELECT 'a
 SET z
b'::text; END;
-- 3: y
CREATE OR REPLACE FUNCTION f() RETURNS text LANGUAGE sql SET work_mem = '1MB' BEGIN ATOMIC
SELECT 'a
 SET y
b'::text; END;
