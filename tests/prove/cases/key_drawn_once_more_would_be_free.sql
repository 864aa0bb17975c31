-- verdict: fails
-- pair: 3 2
-- message: 003_drawn fails after 002_written
-- order: 1 3 2
-- 1: tables
CREATE TABLE role (id text PRIMARY KEY, name text);
CREATE SEQUENCE names;
ALTER TABLE role ALTER COLUMN id SET DEFAULT 'k' || nextval('names');
-- 2: written
INSERT INTO role VALUES ('k1', 'admin') ON CONFLICT (id) DO NOTHING;
-- 3: drawn
INSERT INTO role (name) VALUES ('guest');
