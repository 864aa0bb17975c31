-- verdict: different
-- pair: 3 2
-- message: rows of table public.settings
-- order: 1 3 2
-- 1: tables
CREATE TABLE plans (id serial PRIMARY KEY, name text);
CREATE TABLE settings (default_plan int REFERENCES plans);
INSERT INTO plans (name) VALUES ('free'), ('paid');
INSERT INTO settings VALUES (NULL);
-- 2: one
UPDATE settings SET default_plan = 1;
-- 3: two
UPDATE settings SET default_plan = 2;
