-- verdict: same
-- order: 1 3 2
-- 1: parent
CREATE TABLE log (day int) PARTITION BY RANGE (day);
CREATE TABLE log_1 (day int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- 2: attach
ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM (1) TO (2);
-- 3: trigger
CREATE TRIGGER touch BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION touch();
