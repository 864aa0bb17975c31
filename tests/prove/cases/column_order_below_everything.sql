-- verdict: column order only
-- pair: 4 2
-- message: table public.t
-- order: 1 4 2 5
-- 1: table
CREATE TABLE t (a int);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
-- 2: b
ALTER TABLE t ADD COLUMN b int;
-- 4: c
ALTER TABLE t ADD COLUMN c int;
-- 5: all_kinds_of_users
ALTER TABLE t ADD CONSTRAINT t_key PRIMARY KEY (c, b);
ALTER TABLE t ADD CONSTRAINT t_check CHECK (b < c AND a > 0);
ALTER TABLE t ADD COLUMN g int GENERATED ALWAYS AS (c - b) STORED;
CREATE INDEX t_index ON t (b, (c + b)) INCLUDE (c) WHERE c > b;
CREATE VIEW v AS SELECT b, c FROM t;
CREATE TRIGGER touch BEFORE UPDATE OF c, b ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE child (b int, c int, CONSTRAINT child_t FOREIGN KEY (c, b) REFERENCES t (c, b));
GRANT SELECT (b), UPDATE (c) ON t TO PUBLIC;
COMMENT ON COLUMN t.b IS 'b';
CREATE POLICY p ON t USING (b = c);
INSERT INTO t (a, b, c) VALUES (1, 2, 3);
