-- verdict: different
-- pair: 4 2
-- message: rows of materialized view public.card
-- order: 1 3 4 2
-- 1: tables
CREATE TABLE role (id serial PRIMARY KEY, name text);
CREATE TABLE person (id serial PRIMARY KEY, name text, role int REFERENCES role);
INSERT INTO role (name) VALUES ('admin');
-- 2: ann
INSERT INTO person (name, role) VALUES ('ann', 1);
-- 3: eve
INSERT INTO person (name, role) VALUES ('eve', 1);
-- 4: view
CREATE MATERIALIZED VIEW card AS
SELECT p.id AS person, p.name, r.id AS role, r.name AS title FROM person p JOIN role r ON r.id = p.role;
