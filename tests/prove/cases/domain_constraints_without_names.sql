-- verdict: different
-- pair: 3 2
-- message: d_check
-- order: 1 3 2
-- 1: domain
CREATE DOMAIN d AS int;
-- 2: positive
ALTER DOMAIN d ADD CHECK (VALUE > 0);
-- 3: small
ALTER DOMAIN d ADD CHECK (VALUE < 10);
