-- verdict: different
-- pair: 3 2
-- message: public.money_of
-- order: 1 3 2
-- 1: type
CREATE TYPE money_of AS (cents int);
CREATE FUNCTION cents(money_of) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1.cents';
-- 2: assignment
DROP CAST IF EXISTS (money_of AS int);
CREATE CAST (money_of AS int) WITH FUNCTION cents(money_of) AS ASSIGNMENT;
-- 3: implicit
DROP CAST IF EXISTS (money_of AS int);
CREATE CAST (money_of AS int) WITH FUNCTION cents(money_of) AS IMPLICIT;
