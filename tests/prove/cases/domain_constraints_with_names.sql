-- verdict: same
-- order: 1 3 2
-- 1: domain
CREATE DOMAIN d AS int;
-- 2: positive
ALTER DOMAIN d ADD CONSTRAINT positive CHECK (VALUE > 0);
-- 3: small
ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 10);
